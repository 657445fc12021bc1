// One function per operation: from a routed, authorised request to the call that serves it.
#pragma once

#include "api/api.h"
#include "api/exchange.h"
#include "http/message.h"

namespace api {

using Plan = http::Handler::Plan;

// A request whose body is read whole (at most max_body_bytes) and given to `serve`.
[[nodiscard]] Plan Whole(const ExchangePtr& exchange, std::uint64_t max_body_bytes,
                         std::move_only_function<http::Response(std::string body)> serve);
// A request without a body of interest.
[[nodiscard]] Plan Bare(const ExchangePtr& exchange, std::move_only_function<http::Response()> serve);
[[nodiscard]] Plan Refuse(const ExchangePtr& exchange, const base::Error& error);

[[nodiscard]] Plan Submit(const Services& services, const ExchangePtr& exchange);

[[nodiscard]] Plan PromiseUpload(const Services& services, const ExchangePtr& exchange);
[[nodiscard]] Plan ReceiveUpload(const Services& services, const ExchangePtr& exchange);
[[nodiscard]] Plan ReadContent(const Services& services, const ExchangePtr& exchange);
[[nodiscard]] Plan StoreContent(const Services& services, const ExchangePtr& exchange);

[[nodiscard]] Plan ListJobs(const Services& services, const ExchangePtr& exchange);
[[nodiscard]] Plan ReadJob(const Services& services, const ExchangePtr& exchange);
[[nodiscard]] Plan WatchJob(const Services& services, EventHub& events, const ExchangePtr& exchange);
[[nodiscard]] Plan CancelJob(const Services& services, const ExchangePtr& exchange);
[[nodiscard]] Plan RetryJob(const Services& services, const ExchangePtr& exchange);
[[nodiscard]] Plan ListResults(const Services& services, const ExchangePtr& exchange);

[[nodiscard]] Plan ReadArtifact(const Services& services, const ExchangePtr& exchange);

[[nodiscard]] Plan ListQuarantine(const Services& services, const ExchangePtr& exchange);
[[nodiscard]] Plan ReleaseQuarantined(const Services& services, const ExchangePtr& exchange);

[[nodiscard]] Plan BeginBackup(const Services& services, const ExchangePtr& exchange);
[[nodiscard]] Plan RenewBackup(const Services& services, const ExchangePtr& exchange);
[[nodiscard]] Plan EndBackup(const Services& services, const ExchangePtr& exchange);

[[nodiscard]] Plan Health(const ExchangePtr& exchange);
[[nodiscard]] Plan Ready(const Services& services, const ExchangePtr& exchange);
[[nodiscard]] Plan Metrics(const Services& services, const ExchangePtr& exchange);
[[nodiscard]] Plan Jwks(const Services& services, const ExchangePtr& exchange);
[[nodiscard]] Plan OpenApi(const ExchangePtr& exchange);

// The job document with the aggregates so far.
[[nodiscard]] std::string RenderView(const flow::JobView& view);
// An answer that streams a file, with whatever the request's Range and If-None-Match ask for.
struct FileAnswer {
  std::string path;
  std::string content_type;
  std::string name;  // for saving; may be any text
  base::Sha256 sha256{};
};
[[nodiscard]] http::Response ServeFile(const Exchange& exchange, const FileAnswer& file);

}  // namespace api
