#include "sim/dice.h"

namespace sim {

Profile DrawProfile(Dice& dice) {
  Profile profile;
  // A third is calm: then the flow's own interleavings are what is tried.
  const std::uint64_t weather = dice.Below(3);
  const double wind = weather == 0 ? 0.0 : weather == 1 ? 0.3 : 1.0;
  const auto some = [&](double most) {
    return dice.Chance(0.6) ? wind * most * static_cast<double>(dice.Below(101)) / 100.0 : 0.0;
  };
  profile.throttle = some(0.10);
  profile.lost = some(0.08);
  profile.unreadable = some(0.05);
  profile.crash = some(0.006);
  profile.slow = some(0.05);
  profile.conflict = some(0.10);
  profile.nested = dice.Chance(0.7) ? 0.15 : 0.0;
  profile.bad_end = some(0.4);
  profile.cruel = dice.Chance(0.7) ? 0.2 : 0.0;
  profile.jumps = dice.Chance(0.25);
  profile.expiry = dice.Chance(0.4);
  profile.steps = dice.Between(40, 260);
  profile.tenants = dice.Between(1, 3);
  profile.workers = dice.Between(1, 4);
  profile.most_toons = dice.Chance(0.2) ? 250 : 12;
  return profile;
}

}  // namespace sim
