// Keeps every job that was published. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include "ports/notifier.h"

namespace fakes {

class RecordingNotifier final : public ports::Notifier {
 public:
  void Publish(const job::Job& job) override {
    {
      const std::lock_guard lock(mutex_);
      published_.push_back(job);
    }
    changed_.notify_all();
  }
  [[nodiscard]] std::vector<job::Job> published() const {
    const std::lock_guard lock(mutex_);
    return published_;
  }
  // True once some published job satisfies `wanted`; false at the deadline.
  [[nodiscard]] bool WaitFor(const std::function<bool(const job::Job&)>& wanted,
                             std::chrono::milliseconds patience = std::chrono::seconds(30)) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    std::unique_lock lock(mutex_);
    std::size_t seen = 0;
    while (true) {
      for (; seen < published_.size(); ++seen) {
        if (wanted(published_[seen])) return true;
      }
      if (changed_.wait_until(lock, deadline) == std::cv_status::timeout && seen == published_.size()) return false;
    }
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<job::Job> published_;  // guarded by mutex_
};

}  // namespace fakes
