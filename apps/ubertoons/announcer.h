// Tells watchers and the webhook sender of a change, after its commit.
#pragma once

#include <atomic>

#include "local/job_feed.h"
#include "local/webhooks.h"
#include "ports/notifier.h"

class Announcer final : public ports::Notifier {
 public:
  explicit Announcer(local::JobFeed& feed) : feed_(feed) {}
  void Publish(const job::Job& job) override;
  // nullptr: nobody is told of events. Set before work begins and after it ended.
  void SetSender(local::WebhookSender* sender) { sender_ = sender; }

 private:
  local::JobFeed& feed_;
  std::atomic<local::WebhookSender*> sender_{nullptr};
};
