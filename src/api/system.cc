#include "api/calls.h"
#include "api/parameters.h"

namespace api {

namespace {

// A document that takes no parameters.
template <typename Serve>
Plan Document(const ExchangePtr& exchange, Serve serve) {
  return Bare(exchange, [exchange, serve = std::move(serve)] {
    const auto good = ParameterReader(exchange->parameters, {}).Finish();
    return good ? serve() : exchange->Problem(good.error());
  });
}

}  // namespace

Plan Health(const ExchangePtr& exchange) {
  return Document(exchange, [exchange] { return exchange->Json(200, R"({"status":"ok"})"); });
}

Plan Ready(const Services& services, const ExchangePtr& exchange) {
  return Document(exchange, [&services, exchange] {
    const base::Status ready = services.ready ? services.ready() : base::Status{};
    return ready ? exchange->Json(200, R"({"status":"ready"})") : exchange->Problem(ready.error());
  });
}

Plan Metrics(const Services& services, const ExchangePtr& exchange) {
  return Document(exchange, [&services, exchange] {
    return exchange->Text(200, "text/plain; version=0.0.4; charset=utf-8", services.metrics ? services.metrics() : "");
  });
}

Plan Jwks(const Services& services, const ExchangePtr& exchange) {
  if (!services.jwks) {
    return Refuse(exchange, {.code = base::Code::kNotFound, .message = "tokens are issued elsewhere"});
  }
  return Document(exchange, [&services, exchange] { return exchange->Json(200, services.jwks()); });
}

Plan OpenApi(const ExchangePtr& exchange) {
  // Anybody may ask, and read slowly: that must cost neither memory nor the room for authorised transfers.
  return Document(exchange, [exchange] {
    http::Response response = exchange->Json(200, "");
    response.body = http::StaticBody{OpenApiJson()};
    return response;
  });
}

}  // namespace api
