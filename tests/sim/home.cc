#include "sim/home.h"

#include <cstdio>

#include "base/log.h"

namespace sim {

namespace {

// Sums a number of each success's position: a success that is folded twice or not at all shows, even when the numbers
// of both happen to be the same.
class PositionsReducer final : public ports::Reducer {
 public:
  [[nodiscard]] std::string_view name() const override { return "timeline"; }
  [[nodiscard]] std::vector<base::FieldError> CheckParams(std::string_view) const override { return {}; }
  [[nodiscard]] std::string Fold(std::span<const job::Outcome> outcomes) const override {
    std::uint64_t sum = 0;
    for (const job::Outcome& outcome : outcomes) sum += (outcome.position + 1) * (outcome.position + 1);
    return outcomes.empty() ? "" : std::to_string(sum);
  }
  [[nodiscard]] base::Result<std::string> Merge(std::string_view a, std::string_view b) const override {
    return fakes::AddDecimal(a, b);
  }
  [[nodiscard]] base::Result<std::string> Render(std::string_view partial) const override {
    return fmt::format("{{\"sum\":{}}}", partial);
  }
  [[nodiscard]] base::Result<std::vector<ports::ArtifactBytes>> Finish(const ports::ReduceInput& input) const override {
    std::vector<ports::ArtifactBytes> artifacts;
    artifacts.push_back({.name = "sum.txt", .content_type = "text/plain", .bytes = std::string(input.partial) + "!"});
    return artifacts;
  }
};

}  // namespace

Home::Home(std::uint64_t seed, bool trace)
    : dice(seed),
      profile(DrawProfile(dice)),
      random(seed + 1),
      trace_(trace),
      watch_{.store = store,
             .blobs = blobs,
             .ledger = ledger,
             .clock = clock,
             .meanwhile = [this] { Meanwhile(); },
             .peek = [this](const job::JobKey& key) { return Peek(key); }},
      watched_jobs_(watch_),
      watched_outcomes_(watch_),
      watched_blobs_(watch_),
      notifier_(watch_) {
  base::SetLogLevel(base::LogLevel::kOff);
  reducers.Add(std::make_unique<PositionsReducer>());
  context = std::make_unique<flow::Context>(flow::Context{.jobs = watched_jobs_,
                                                          .plans = store.plans(),
                                                          .outcomes = watched_outcomes_,
                                                          .references = store.references(),
                                                          .reuse = store.reuse(),
                                                          .quarantine = store.quarantine(),
                                                          .outbox = store.outbox(),
                                                          .blobs = watched_blobs_,
                                                          .catalog = catalog,
                                                          .reducers = reducers,
                                                          .notifier = notifier_,
                                                          .clock = clock,
                                                          .random = random,
                                                          .limits = {}});
  Arm();
}

void Home::Arm() {
  const auto write = [this] {
    if (Fails(profile.slow)) clock.Advance(std::chrono::milliseconds(dice.Below(2000)));
    return Fails(profile.throttle);
  };
  store.commit_fault.Ask(write);
  blobs.write_fault.Ask(write);
  store.lost_answer.Ask([this] { return Fails(profile.lost); });
  blobs.lost_answer.Ask([this] { return Fails(profile.lost); });
  store.read_fault.Ask([this] { return Fails(profile.unreadable); });
  blobs.read_fault.Ask([this] { return Fails(profile.unreadable); });
  store.version_fault.Ask([this] { return calm_ == 0 && dice.Chance(profile.conflict); });
}

bool Home::Fails(double probability) {
  if (calm_ > 0) return false;
  if (dice.Chance(profile.crash)) {
    Trace("the process dies in a call");
    throw fakes::Crash{};
  }
  return dice.Chance(probability);
}

void Home::Meanwhile() {
  constexpr int kDeepest = 2;
  if (calm_ > 0 || !meanwhile || nesting_ >= kDeepest || !dice.Chance(profile.nested)) return;
  struct Nested {
    explicit Nested(int& depth) : depth_(++depth) {}
    ~Nested() { --depth_; }
    int& depth_;
  } const nested(nesting_);
  meanwhile();
}

void Home::Boot() {
  Down();
  while (true) {
    fan_out = std::make_unique<flow::FanOut>(
        *context, metrics_,
        flow::FanOutOptions{.max_workers = profile.workers, .processor_versions = {{"message", "1"}, {"image", "1"}}});
    if (fan_out->Recover()) return;
    Trace("recovery failed; once more");
  }
}

std::optional<job::Job> Home::Peek(const job::JobKey& key) {
  const Calm calm(*this);
  return store.Get(key).value();
}

const JobModel& Home::ModelOf(const job::Job& job) const {
  return ledger.models.at(ModelNumber(job));
}

void Home::Print(const std::string& line) const {
  const auto since = clock.Steady() - base::SteadyPoint(std::chrono::seconds(1'000));
  fmt::print("{:10.3f}s {}{}\n", std::chrono::duration<double>(since).count(),
             std::string(static_cast<std::size_t>(nesting_) * 4, ' '), line);
  std::fflush(stdout);
}

}  // namespace sim
