// Figures about the flow, for whoever scrapes them. Thread-safe; never blocks, never fails. No ids as labels.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "job/lifecycle.h"

namespace ports {

class Metrics {
 public:
  virtual ~Metrics() = default;
  virtual void JobAccepted() = 0;
  virtual void JobEnded(job::JobStatus status, std::chrono::microseconds since_submitted) = 0;
  // `result`: "recorded", "lost", "dropped".
  virtual void ChunkEnded(std::string_view work_class, std::string_view result, std::chrono::microseconds taken) = 0;
  virtual void RecordTook(std::chrono::microseconds taken) = 0;  // committing one chunk's answer
  virtual void ToonsRecorded(job::ToonState state, std::uint64_t count) = 0;
  virtual void ToonDuration(std::string_view type, std::chrono::microseconds duration) = 0;  // sampled
  virtual void ToonFailed(std::string_view code) = 0;
  virtual void ToonsReused(std::uint64_t count) = 0;
  virtual void ToonsRefused(std::uint64_t count) = 0;  // their bytes were in quarantine
  virtual void Quarantined(std::uint64_t count) = 0;   // bytes that were not there before
};

}  // namespace ports
