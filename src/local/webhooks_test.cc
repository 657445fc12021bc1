#include "local/webhooks.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "base/hash.h"
#include "http/server.h"

namespace local {
namespace {

constexpr std::chrono::seconds kPatience{60};

class FakeOutbox final : public ports::Outbox {
 public:
  void Add(const std::string& id, const std::string& type) {
    const std::lock_guard lock(mutex_);
    events_[id] = {.id = id, .type = type, .key = {}, .body_json = R"({"jobId":"j"})"};
  }
  bool WaitEmpty() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return events_.empty(); });
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return events_.size();
  }
  base::Result<std::vector<ports::OutboxEvent>> Pending(std::string_view after, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    std::vector<ports::OutboxEvent> page;
    for (const auto& [id, event] : events_) {
      if (id > after && page.size() < limit) page.push_back(event);
    }
    return page;
  }
  base::Status Done(std::string_view id) override {
    {
      const std::lock_guard lock(mutex_);
      events_.erase(std::string(id));
    }
    changed_.notify_all();
    return {};
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, ports::OutboxEvent> events_;
};

// Answers the n-th POST with statuses[n], then 204.
class Receiver final : public http::Handler {
 public:
  struct Got {
    http::RequestHead head;
    std::string body;
  };
  explicit Receiver(std::vector<int> statuses) : statuses_(std::move(statuses)) {
    auto server = http::Server::Listen({}, *this);
    EXPECT_TRUE(server);
    server_ = std::move(*server);
    server_->Start();
  }
  ~Receiver() override { server_.reset(); }
  Plan Begin(const http::RequestHead& head) override {
    auto call = std::make_unique<http::SimpleCall>(
        [this, head](std::string body) {
          const std::lock_guard lock(mutex_);
          got_.push_back({head, std::move(body)});
          const std::size_t n = got_.size() - 1;
          return http::Response{
              .status = n < statuses_.size() ? statuses_[n] : 204, .headers = {}, .body = std::string()};
        },
        [](const base::Error&) { return http::Response{.status = 400, .headers = {}, .body = std::string()}; });
    return {.call = std::move(call), .refuse = std::nullopt};
  }
  http::Response Malformed(const base::Error&) override {
    return {.status = 400, .headers = {}, .body = std::string()};
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()) + "/hook"; }
  std::vector<Got> got() {
    const std::lock_guard lock(mutex_);
    return got_;
  }

 private:
  const std::vector<int> statuses_;
  std::mutex mutex_;
  std::vector<Got> got_;
  std::unique_ptr<http::Server> server_;
};

class WebhooksTest : public ::testing::Test {
 protected:
  WebhooksTest() {
    options_.backoff = std::chrono::milliseconds(1);
    options_.backoff_cap = std::chrono::milliseconds(2);
  }
  FakeOutbox outbox_;
  WebhookOptions options_;
  base::SystemClock clock_;
  base::SystemRandom random_;
};

TEST_F(WebhooksTest, AnEventIsPostedSignedAndLeavesTheOutbox) {
  Receiver receiver({});
  outbox_.Add("e1", "JobCompleted");
  WebhookSender sender(outbox_, {{.url = receiver.url(), .secret = "s3", .events = {}}}, options_, clock_, random_);
  ASSERT_TRUE(outbox_.WaitEmpty());
  const auto got = receiver.got();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].body, R"({"id":"e1","type":"JobCompleted","detail":{"jobId":"j"}})");
  EXPECT_EQ(got[0].head.header("X-Ubertoons-Event"), "JobCompleted");
  EXPECT_EQ(got[0].head.header("X-Ubertoons-Delivery"), "e1");
  const std::string signature(got[0].head.header("X-Ubertoons-Signature"));
  const std::int64_t seconds = std::stoll(signature.substr(2));
  EXPECT_EQ(signature, SignWebhook("s3", seconds, got[0].body));
}

TEST(WebhookSignatureTest, IsTheHmacOfTimeAndBody) {
  EXPECT_EQ(SignWebhook("key", 12, "body"), "t=12,v1=" + base::ToHex(base::HmacSha256("key", "12.body")));
}

TEST_F(WebhooksTest, AFailureIsTriedAgainUntilItSucceeds) {
  Receiver receiver({500, 503, 429});
  outbox_.Add("e1", "JobFailed");
  WebhookSender sender(outbox_, {{.url = receiver.url(), .secret = "s", .events = {}}}, options_, clock_, random_);
  ASSERT_TRUE(outbox_.WaitEmpty());
  ASSERT_EQ(receiver.got().size(), 4U);
  for (const auto& got : receiver.got()) EXPECT_EQ(got.head.header("X-Ubertoons-Delivery"), "e1");
}

TEST_F(WebhooksTest, RefusalsAreGivenUpAndTheNextEventGoesOn) {
  options_.give_up_refusals = 3;
  Receiver receiver({410, 410, 410});
  outbox_.Add("e1", "JobFailed");
  outbox_.Add("e2", "JobFailed");
  WebhookSender sender(outbox_, {{.url = receiver.url(), .secret = "s", .events = {}}}, options_, clock_, random_);
  ASSERT_TRUE(outbox_.WaitEmpty());
  ASSERT_EQ(receiver.got().size(), 4U);
  EXPECT_EQ(receiver.got()[3].head.header("X-Ubertoons-Delivery"), "e2");
}

TEST_F(WebhooksTest, EachWebhookGetsOnlyWhatItWantsAndAnotherOnesTroubleDelaysItNot) {
  Receiver well({});
  Receiver ill(std::vector<int>(1000, 500));
  options_.backoff = std::chrono::hours(1);
  options_.backoff_cap = std::chrono::hours(1);
  outbox_.Add("e1", "JobAccepted");
  outbox_.Add("e2", "JobCompleted");
  {
    WebhookSender sender(outbox_,
                         {{.url = ill.url(), .secret = "s", .events = {"JobCompleted"}},
                          {.url = well.url(), .secret = "s", .events = {}}},
                         options_, clock_, random_);
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (well.got().size() < 2 || ill.got().empty() || outbox_.size() > 1) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }
  EXPECT_EQ(ill.got()[0].head.header("X-Ubertoons-Event"), "JobCompleted");
  EXPECT_EQ(outbox_.size(), 1U) << "the one that the ill webhook has not got yet stays";
}

TEST_F(WebhooksTest, WithoutWebhooksEventsJustLeave) {
  WebhookSender sender(outbox_, {}, options_, clock_, random_);
  outbox_.Add("e1", "JobAccepted");
  sender.Poke();
  EXPECT_TRUE(outbox_.WaitEmpty());
}

}  // namespace
}  // namespace local
