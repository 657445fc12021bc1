// Telling watchers in this process that a job changed. Thread-safe; Publish never blocks.
#pragma once

#include <functional>
#include <memory>

#include "job/lifecycle.h"

namespace ports {

class JobFeed {
 public:
  // Destroying it ends the subscription; no call is running or follows after that.
  class Subscription {
   public:
    virtual ~Subscription() = default;
  };
  virtual ~JobFeed() = default;
  // `wake` may come from any thread, must not block, and says only: read the job again.
  [[nodiscard]] virtual std::unique_ptr<Subscription> Subscribe(const job::JobKey& key, std::function<void()> wake) = 0;
};

class Notifier {
 public:
  virtual ~Notifier() = default;
  virtual void Publish(const job::Job& job) = 0;  // after the commit, never before
};

}  // namespace ports
