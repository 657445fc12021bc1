// Tells the operator's webhooks what the outbox holds. Only committed events are in the outbox, so nothing is ever sent
// before its commit.
//
// Each event is POSTed as {"id","type","detail"} with
//   X-Ubertoons-Event: <type>    X-Ubertoons-Delivery: <id>, the same at every try
//   X-Ubertoons-Signature: t=<unix seconds>,v1=<hex of HMAC-SHA256(secret, "<t>.<body>")>
// A 2xx answer ends it. Otherwise it is tried again with exponential backoff and full jitter, per webhook; each webhook
// gets its events in order, and a slow one delays no other. Delivery is at least once: after a restart an event that
// some webhook has not got yet goes to all again. An event leaves the outbox once every webhook that wants it got it or
// gave it up. Without webhooks events just leave the outbox.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "ports/job_store.h"

namespace local {

struct Webhook {
  std::string url;
  std::string secret;
  std::vector<std::string> events;  // types; empty: all
};

struct WebhookOptions {
  std::chrono::milliseconds backoff{1000};  // before the second try, at most; doubles with each
  std::chrono::milliseconds backoff_cap{600'000};
  std::chrono::milliseconds timeout{10'000};          // of one POST
  std::chrono::seconds give_up_after{3 * 24 * 3600};  // since this process first tried it; then logged as an error
  std::uint32_t give_up_refusals = 10;       // tries answered by 4xx (but 408, 425, 429): it will not change its mind
  std::chrono::milliseconds rescan{60'000};  // the outbox is read again without a Poke
  std::string ca_file;                       // PEM; empty: the system's
};

// The value of X-Ubertoons-Signature.
[[nodiscard]] std::string SignWebhook(std::string_view secret, std::int64_t unix_seconds, std::string_view body);

class WebhookSender {
 public:
  // Starts one thread per webhook (at least one). Everything given by reference outlives the sender.
  WebhookSender(ports::Outbox& outbox, std::vector<Webhook> webhooks, const WebhookOptions& options,
                const base::Clock& clock, base::Random& random);
  // Ends after the POST in flight, if any, which takes options.timeout at most.
  ~WebhookSender();
  // There is something new in the outbox. Thread-safe; never blocks for long.
  void Poke();

 private:
  struct Shared;
  class Lane;
  std::unique_ptr<Shared> shared_;
};

}  // namespace local
