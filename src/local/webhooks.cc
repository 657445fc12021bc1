#include "local/webhooks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "base/hash.h"
#include "base/log.h"
#include "http/client.h"

namespace local {

namespace {

constexpr std::size_t kPage = 100;          // events read from the outbox at once
constexpr std::size_t kMaxAhead = 100'000;  // events that some webhook got and another did not: about 10 MB of ids
constexpr std::size_t kMaxAnswerBytes = 64U << 10U;  // a webhook's answer is not looked at
constexpr std::uint32_t kMaxDoublings = 20;

std::string BodyOf(const ports::OutboxEvent& event) {
  std::string body = R"({"id":)";
  base::AppendJsonString(body, event.id);
  body += R"(,"type":)";
  base::AppendJsonString(body, event.type);
  body += R"(,"detail":)";
  body += event.body_json.empty() ? "{}" : event.body_json;
  body += '}';
  return body;
}

bool IsRefusal(int status) {
  return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

}  // namespace

std::string SignWebhook(std::string_view secret, std::int64_t unix_seconds, std::string_view body) {
  const base::Sha256 mac = base::HmacSha256(secret, fmt::format("{}.{}", unix_seconds, body));
  return fmt::format("t={},v1={}", unix_seconds, base::ToHex(mac));
}

struct WebhookSender::Shared {
  Shared(ports::Outbox& the_outbox, const WebhookOptions& the_options, const base::Clock& the_clock,
         base::Random& the_random)
      : outbox(the_outbox), options(the_options), clock(the_clock), random(the_random) {}

  ports::Outbox& outbox;
  const WebhookOptions options;
  const base::Clock& clock;
  base::Random& random;

  std::mutex mutex;
  std::condition_variable_any changed;
  std::uint64_t pokes = 0;                                    // guarded by mutex
  std::size_t lanes = 1;                                      // fixed before the threads start
  std::map<std::string, std::vector<bool>, std::less<>> got;  // guarded by mutex: event -> the lanes that ended it
  std::vector<std::jthread> threads;                          // last: they use all the rest

  bool Ended(const std::string& id, std::size_t lane);
  void End(const std::string& id, std::size_t lane);
};

// Has this lane nothing more to do for the event? An event that all lanes ended is still there when Done failed.
bool WebhookSender::Shared::Ended(const std::string& id, std::size_t lane) {
  {
    const std::lock_guard lock(mutex);
    const auto found = got.find(id);
    if (found == got.end()) return got.size() >= kMaxAhead;
    if (!found->second[lane]) return false;
  }
  End(id, lane);
  return true;
}

void WebhookSender::Shared::End(const std::string& id, std::size_t lane) {
  {
    const std::lock_guard lock(mutex);
    std::vector<bool>& ended = got.try_emplace(id, lanes, false).first->second;
    ended[lane] = true;
    if (!std::ranges::all_of(ended, [](bool value) { return value; })) return;
  }
  if (const base::Status done = outbox.Done(id); !done) {
    base::LogWarn("outbox-unavailable", {{"eventId", id}, {"error", done.error().message}});
    return;
  }
  const std::lock_guard lock(mutex);
  got.erase(id);
}

// One webhook's thread.
class WebhookSender::Lane {
 public:
  Lane(Shared& shared, std::size_t index, std::optional<Webhook> webhook)
      : shared_(shared), index_(index), webhook_(std::move(webhook)) {}

  void Run(const std::stop_token& stop) {
    std::uint64_t seen = 0;
    while (!stop.stop_requested()) {
      // Ids sort by time, but commits may become visible out of order: now and then the outbox is read from its start.
      const base::SteadyPoint now = shared_.clock.Steady();
      if (now >= next_rescan_) {
        cursor_.clear();
        next_rescan_ = now + shared_.options.rescan;
      }
      Pass(stop);
      std::unique_lock lock(shared_.mutex);
      shared_.changed.wait_for(lock, stop, shared_.options.rescan, [&] { return shared_.pokes != seen; });
      seen = shared_.pokes;
    }
  }

 private:
  void Pass(const std::stop_token& stop);
  void Deliver(const std::stop_token& stop, const Webhook& webhook, const ports::OutboxEvent& event);
  [[nodiscard]] static bool Wants(const Webhook& webhook, const ports::OutboxEvent& event) {
    return webhook.events.empty() || std::ranges::find(webhook.events, event.type) != webhook.events.end();
  }
  [[nodiscard]] base::Result<http::ClientResponse> Post(const Webhook& webhook, const ports::OutboxEvent& event,
                                                        const std::string& body);
  void WaitBackoff(const std::stop_token& stop, std::uint32_t tries);

  Shared& shared_;
  const std::size_t index_;
  const std::optional<Webhook> webhook_;
  http::Client client_;
  std::string cursor_;  // the last event that this lane has looked at
  base::SteadyPoint next_rescan_{};
};

void WebhookSender::Lane::Pass(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto page = shared_.outbox.Pending(cursor_, kPage);
    if (!page) {
      base::LogWarn("outbox-unavailable", {{"error", page.error().message}});
      return;
    }
    for (const ports::OutboxEvent& event : *page) {
      if (!shared_.Ended(event.id, index_)) {
        if (webhook_ && Wants(*webhook_, event)) Deliver(stop, *webhook_, event);
        if (stop.stop_requested()) return;
        shared_.End(event.id, index_);
      }
      cursor_ = event.id;
    }
    if (page->size() < kPage) return;
  }
}

void WebhookSender::Lane::Deliver(const std::stop_token& stop, const Webhook& webhook,
                                  const ports::OutboxEvent& event) {
  const std::string body = BodyOf(event);
  const base::SteadyPoint begin = shared_.clock.Steady();
  std::uint32_t refusals = 0;
  for (std::uint32_t tries = 1; !stop.stop_requested(); ++tries) {
    const auto answer = Post(webhook, event, body);
    if (answer && answer->status / 100 == 2) return;
    if (answer && IsRefusal(answer->status)) ++refusals;
    const std::string why = answer ? fmt::format("status {}", answer->status) : answer.error().message;
    const bool given_up =
        refusals >= shared_.options.give_up_refusals || shared_.clock.Steady() - begin >= shared_.options.give_up_after;
    base::Log(given_up ? base::LogLevel::kError : base::LogLevel::kWarn,
              given_up ? "webhook-given-up" : "webhook-failed",
              {{"webhook", index_}, {"eventId", event.id}, {"type", event.type}, {"tries", tries}, {"error", why}});
    if (given_up) return;
    WaitBackoff(stop, tries);
  }
}

base::Result<http::ClientResponse> WebhookSender::Lane::Post(const Webhook& webhook, const ports::OutboxEvent& event,
                                                             const std::string& body) {
  const std::int64_t seconds = base::UnixMicros(shared_.clock.Now()) / 1'000'000;
  http::ClientRequest request;
  request.method = "POST";
  request.url = webhook.url;
  request.headers = {{"Content-Type", "application/json"},
                     {"X-Ubertoons-Event", event.type},
                     {"X-Ubertoons-Delivery", event.id},
                     {"X-Ubertoons-Signature", SignWebhook(webhook.secret, seconds, body)}};
  request.body = body;
  request.timeout = shared_.options.timeout;
  request.connect_timeout = shared_.options.timeout;
  request.max_response_bytes = kMaxAnswerBytes;
  request.ca_file = shared_.options.ca_file;
  return client_.Send(request);
}

// Full jitter: uniform in [0, min(cap, backoff * 2^(tries-1))).
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
void WebhookSender::Lane::WaitBackoff(const std::stop_token& stop, std::uint32_t tries) {
  const double most = std::min(static_cast<double>(shared_.options.backoff_cap.count()),
                               std::ldexp(static_cast<double>(shared_.options.backoff.count()),
                                          static_cast<int>(std::min(tries - 1, kMaxDoublings))));
  const std::chrono::duration<double, std::milli> wait(shared_.random.Unit() * most);
  std::unique_lock lock(shared_.mutex);
  shared_.changed.wait_for(lock, stop, wait, [] { return false; });
}

WebhookSender::WebhookSender(ports::Outbox& outbox, std::vector<Webhook> webhooks, const WebhookOptions& options,
                             const base::Clock& clock, base::Random& random)
    : shared_(std::make_unique<Shared>(outbox, options, clock, random)) {
  shared_->lanes = std::max<std::size_t>(webhooks.size(), 1);
  for (std::size_t i = 0; i < shared_->lanes; ++i) {
    auto webhook = i < webhooks.size() ? std::optional<Webhook>(std::move(webhooks[i])) : std::nullopt;
    shared_->threads.emplace_back([shared = shared_.get(), i, webhook = std::move(webhook)](
                                      const std::stop_token& stop) { Lane(*shared, i, webhook).Run(stop); });
  }
}

WebhookSender::~WebhookSender() {
  for (std::jthread& thread : shared_->threads) thread.request_stop();
}

void WebhookSender::Poke() {
  {
    const std::lock_guard lock(shared_->mutex);
    ++shared_->pokes;
  }
  shared_->changed.notify_all();
}

}  // namespace local
