// Who watches which job, in this process: the Notifier that the flow publishes to and the JobFeed that watchers use.
// Thread-safe. A wake may destroy its own subscription.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "ports/notifier.h"

namespace local {

class JobFeed final : public ports::JobFeed, public ports::Notifier {
 public:
  JobFeed();
  ~JobFeed() override;
  // The subscription may outlive the feed.
  [[nodiscard]] std::unique_ptr<Subscription> Subscribe(const job::JobKey& key, std::function<void()> wake) override;
  void Publish(const job::Job& job) override;
  [[nodiscard]] std::size_t subscriptions() const;

 private:
  struct Hub;
  std::shared_ptr<Hub> hub_;
};

}  // namespace local
