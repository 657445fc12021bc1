#include <fmt/format.h>

#include "api/calls.h"
#include "api/parameters.h"
#include "base/log.h"
#include "wire/render.h"
#include "wire/toon.h"

namespace api {

namespace {

constexpr std::size_t kStandardEntries = 100;

// "<sha256>.<type>": the last entry of a page. It names a place among the caller's own entries only, so that nothing
// is gained by making one up.
std::string CursorOf(const job::QuarantineKey& key) {
  return fmt::format("{}.{}", base::ToHex(key.sha256), key.type);
}

std::optional<job::QuarantineKey> ReadCursor(std::string_view text) {
  const std::size_t dot = text.find('.');
  const auto sha256 = base::Sha256FromHex(text.substr(0, dot));
  if (!sha256 || dot == std::string_view::npos) return std::nullopt;
  const std::string_view type = text.substr(dot + 1);
  if (wire::RefuseType(type)) return std::nullopt;
  return job::QuarantineKey{.sha256 = *sha256, .type = std::string(type)};
}

http::Response ServeQuarantine(const Services& services, const Exchange& exchange) {
  ParameterReader reader(exchange.parameters, {"limit", "after"});
  const std::size_t limit = reader.PageSize(kStandardEntries, services.limits.max_page_size, "limit");
  std::optional<job::QuarantineKey> after;
  if (const auto text = reader.Text("after")) {
    after = ReadCursor(*text);
    if (!after) reader.Refuse("after", "it is not the `next` of a page");
  }
  if (const auto good = reader.Finish(); !good) return exchange.Problem(good.error());
  const auto page = services.query.Quarantined(exchange.caller.tenant, after, limit);
  if (!page) return exchange.Problem(page.error());
  std::string body = R"({"items":[)";
  for (const job::Quarantined& entry : page->entries) {
    if (body.back() != '[') body += ',';
    wire::AppendQuarantined(entry, body);
  }
  body += ']';
  if (page->more) body += fmt::format(R"(,"next":"{}")", CursorOf(page->entries.back().bytes));
  body += '}';
  return exchange.Json(200, std::move(body));
}

http::Response ServeRelease(const Services& services, const Exchange& exchange) {
  ParameterReader reader(exchange.parameters, {});
  const std::optional<base::Sha256> digest = base::Sha256FromHex(exchange.argument);
  if (!digest) reader.Refuse("sha256", "64 hexadecimal digits are expected");
  if (const auto good = reader.Finish(); !good) return exchange.Problem(good.error());
  const base::Sha256 sha256 = digest.value_or(base::Sha256{});
  const auto released = services.control.Release(exchange.caller.tenant, sha256);
  if (!released) return exchange.Problem(released.error());
  base::LogInfo("bytes-released", {{"sha256", base::ToHex(sha256)}, {"traceId", exchange.trace.trace_id}});
  http::Response response{.status = 204};
  exchange.Trace(response);
  return response;
}

}  // namespace

Plan ListQuarantine(const Services& services, const ExchangePtr& exchange) {
  return Bare(exchange, [&services, exchange] { return ServeQuarantine(services, *exchange); });
}

Plan ReleaseQuarantined(const Services& services, const ExchangePtr& exchange) {
  return Bare(exchange, [&services, exchange] { return ServeRelease(services, *exchange); });
}

}  // namespace api
