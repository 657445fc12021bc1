#include "api/calls.h"

namespace api {

namespace {
// Bodies that mean nothing are read and dropped, so that the connection stays usable.
constexpr std::uint64_t kIgnoredBodyBytes = 64 * 1024;
}  // namespace

Plan Whole(const ExchangePtr& exchange, std::uint64_t max_body_bytes,
           std::move_only_function<http::Response(std::string body)> serve) {
  Plan plan;
  plan.call = std::make_unique<http::SimpleCall>(
      std::move(serve), [exchange](const base::Error& error) { return exchange->Problem(error); });
  plan.max_body_bytes = max_body_bytes;
  return plan;
}

Plan Bare(const ExchangePtr& exchange, std::move_only_function<http::Response()> serve) {
  return Whole(exchange, kIgnoredBodyBytes,
               [serve = std::move(serve)](const std::string& /*body*/) mutable { return serve(); });
}

Plan Refuse(const ExchangePtr& exchange, const base::Error& error) {
  Plan plan;
  plan.refuse = exchange->Problem(error);
  return plan;
}

}  // namespace api
