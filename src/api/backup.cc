#include "flow/backup.h"

#include <fmt/format.h>

#include "api/calls.h"

namespace api {

namespace {

// A signature over our URL secret: only who may read the data folder can make one.
template <typename Serve>
Plan Signed(const Services& services, const ExchangePtr& exchange, Serve serve) {
  const auto url = auth::VerifyUrl(exchange->head.method, exchange->path, exchange->head.query, services.url_secret,
                                   services.clock.Now());
  if (!url) return Refuse(exchange, url.error());
  if (services.backup == nullptr) {
    return Refuse(exchange, {.code = base::Code::kNotFound, .message = "backups are made elsewhere"});
  }
  return Bare(exchange, std::move(serve));
}

http::Response Done(const Exchange& exchange, const base::Status& status) {
  if (!status) return exchange.Problem(status.error());
  http::Response response{.status = 204};
  exchange.Trace(response);
  return response;
}

}  // namespace

Plan BeginBackup(const Services& services, const ExchangePtr& exchange) {
  return Signed(services, exchange, [&services, exchange] {
    const auto id = services.backup->Begin();
    if (!id) return exchange->Problem(id.error());
    return exchange->Json(
        201, fmt::format(R"({{"id":"{}","holdSeconds":{}}})", *id, std::chrono::seconds(flow::Backup::kHold).count()));
  });
}

Plan RenewBackup(const Services& services, const ExchangePtr& exchange) {
  return Signed(services, exchange,
                [&services, exchange] { return Done(*exchange, services.backup->Renew(exchange->argument)); });
}

Plan EndBackup(const Services& services, const ExchangePtr& exchange) {
  return Signed(services, exchange,
                [&services, exchange] { return Done(*exchange, services.backup->End(exchange->argument)); });
}

}  // namespace api
