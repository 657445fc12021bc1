// A job's progress as people watch it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/clock.h"
#include "cli/json_read.h"
#include "cli/terminal.h"

namespace cli {

// What GET /jobs/{id} and its events say, as far as it is shown.
struct Snapshot {
  std::string job_id;
  std::string status;
  std::optional<std::uint64_t> toon_count;  // unknown until an uploaded manifest is counted
  std::uint64_t processed = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::string reason;
  std::string submitted_at;
  std::string completed_at;
  [[nodiscard]] bool ended() const { return status == "Completed" || status == "Failed"; }
  bool operator==(const Snapshot&) const = default;
};
// nullopt if it is no job: an object with a status.
[[nodiscard]] std::optional<Snapshot> SnapshotOf(const json::value& document);

// Toons a second over the last kWindow.
class RateMeter {
 public:
  static constexpr std::chrono::seconds kWindow{10};
  void Add(base::SteadyPoint now, std::uint64_t processed);
  [[nodiscard]] std::optional<double> PerSecond() const;  // nullopt until it can be told

 private:
  struct Sample {
    base::SteadyPoint at;
    std::uint64_t processed;
  };
  std::deque<Sample> samples_;
};

enum class Glyphs : unsigned char { kAscii, kBlocks };
// "JOB001 ████░░░░  50%  17/34  12.0/s  ETA 1 s  16 succeeded 1 failed", at most `columns` wide.
[[nodiscard]] std::string RenderBar(const Snapshot& job, std::optional<double> per_second, std::size_t columns,
                                    Glyphs glyphs);
// "JOB001 Processing 17/34, 16 succeeded, 1 failed"
[[nodiscard]] std::string RenderLine(const Snapshot& job);
// "JOB001 Failed (tolerance-exceeded): 34 toons, 33 succeeded, 1 failed in 1.20 s"
[[nodiscard]] std::string RenderEnd(const Snapshot& job);

// Shows snapshots as they come: one line redrawn in place on a terminal, else a line now and then.
class ProgressView {
 public:
  ProgressView(Stream& stream, const base::Clock& clock, Glyphs glyphs)
      : stream_(stream), clock_(clock), glyphs_(glyphs) {}
  void Show(const Snapshot& job);
  void Clear();  // the redrawn line is wiped, so that other text may follow

 private:
  static constexpr std::chrono::milliseconds kRedraw{100};
  static constexpr std::chrono::milliseconds kLineEvery{1000};
  Stream& stream_;
  const base::Clock& clock_;
  Glyphs glyphs_;
  RateMeter meter_;
  std::optional<Snapshot> shown_;
  base::SteadyPoint shown_at_{};
};

}  // namespace cli
