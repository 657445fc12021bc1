// The REST API: decode a request, make one call of the flow, encode the answer. Knows no transport: the HTTP server
// and, on AWS, the adapter of API Gateway's events feed the same Handler.
//
// Every route is served with and without a stage prefix (/prod/jobs, /jobs); links keep it. Every error is an RFC 9457
// problem, every answer names its trace. Documented by openapi.json, which is served and tested against the code.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/authenticator.h"
#include "api/request_limiter.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "flow/control.h"
#include "flow/query.h"
#include "flow/submit.h"
#include "flow/upload.h"
#include "http/message.h"
#include "job/limits.h"
#include "ports/blob_store.h"
#include "ports/notifier.h"

namespace flow {
class Backup;
}

namespace api {

// Everything outlives the Api and is thread-safe.
struct Services {
  flow::Submit& submit;
  flow::Query& query;
  flow::Control& control;
  flow::Upload& upload;
  ports::JobFeed& feed;
  ports::BlobStore& blobs;
  Authenticator& authenticator;
  const base::Clock& clock;
  base::Random& random;
  job::Limits limits;
  std::chrono::seconds upload_ttl{3600};
  std::string url_secret;
  std::string public_url;  // base of signed URLs, stage included; empty: scheme, Host header and stage of the request
  // The file of a blob key, for answers that the transport streams itself, with the bytes that were stored. kNotFound,
  // kCorrupt.
  std::function<base::Result<std::string>(std::string_view blob_key)> blob_file;
  std::function<base::Status()> ready;   // an error makes /readyz answer it
  std::function<std::string()> metrics;  // Prometheus text
  flow::Backup* backup = nullptr;        // nullptr: /backups is 404
  std::function<std::string()> jwks;     // empty: /.well-known/jwks.json is 404 (somebody else issues tokens)
  // Two event-stream messages of a running job are at least so far apart.
  std::chrono::milliseconds event_interval{100};
};

class EventHub;

class Api final : public http::Handler {
 public:
  explicit Api(Services services);
  ~Api() override;
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  [[nodiscard]] Plan Begin(const http::RequestHead& head) override;
  [[nodiscard]] http::Response Malformed(const base::Error& error) override;
  // Requests answered 429 because their tenant sent too many in a second.
  [[nodiscard]] std::uint64_t throttled() const { return limiter_.refused(); }

 private:
  struct Routing;
  Services services_;
  RequestLimiter limiter_;
  std::unique_ptr<EventHub> events_;
};

// The OpenAPI document's text.
[[nodiscard]] std::string_view OpenApiJson();

}  // namespace api
