// Virtual workers: they take leases and answer later, in any order, twice, badly or never.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "flow/process.h"
#include "sim/home.h"

namespace sim {

// What the first word of a toon's content says:
//   ok      succeeds; an image also makes an artifact
//   bad     Blame::kInput, until mended
//   busy    Blame::kResource, mostly
//   lethal  Blame::kLethal, mostly
//   poison  kills or hangs its worker, mostly
class Workers {
 public:
  explicit Workers(Home& home);
  // A worker takes a chunk, if one is free and there is one. True if something was taken.
  bool Take();
  // One that holds a chunk goes on: it processes it, or gives its answer. False if nobody holds any.
  bool GoOn();
  // Those over their deadline are killed.
  void KillLate();
  void DieWithTheServer() { held_.clear(); }
  // From now on workers only do what the toons make them do.
  void Behave() { behave_ = true; }
  void Mend() { mended_ = true; }
  [[nodiscard]] std::size_t busy() const { return held_.size(); }

  [[nodiscard]] static std::string ResultOf(const job::TenantId& tenant, const std::string& content);
  [[nodiscard]] static std::string ArtifactOf(const std::string& content);

 private:
  enum class End { kAnswers, kAnswersTwice, kAnswersBadly, kPlatform, kCrashes, kHangs, kErrs };
  struct Held {
    ports::WorkSource::Lease lease;
    End end = End::kAnswers;
    std::optional<ports::ChunkAnswer> answer;
  };
  [[nodiscard]] End Fate(const ports::Chunk& chunk);
  [[nodiscard]] fakes::FakeProcessor::Answer Process(const ports::ToonInput& input);
  void CheckAttempts(const ports::Chunk& chunk) const;
  void Run(Held& held);
  void Redeliver(const Held& held);
  void Give(Held held);
  void Lose(const Held& held, ports::WorkerEnd end, std::string_view why);
  void Blame(const ports::Chunk& chunk, const std::vector<job::Position>& positions);
  [[nodiscard]] ports::ChunkAnswer Spoiled(const Held& held);
  [[nodiscard]] static std::vector<job::Position> PositionsOf(const ports::Chunk& chunk);

  Home& home_;
  std::map<ports::LeaseId, Held> held_;
  std::map<std::pair<job::JobKey, job::Position>, int> losses_;  // to the platform: it is not that bad
  bool behave_ = false;
  bool mended_ = false;
};

}  // namespace sim
