#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "api/calls.h"
#include "api/parameters.h"
#include "base/log.h"
#include "wire/render.h"
#include "wire/toon.h"

namespace api {

namespace {

constexpr std::size_t kStandardJobs = 50;
constexpr std::size_t kStandardResults = 100;
constexpr std::uint64_t kCommandBodyBytes = 1024;

// The store's cursor, signed: it is a place in a key space, and must not be chosen by a client.
std::string CursorSignature(std::string_view cursor, const Services& services, const Exchange& exchange,
                            std::string_view status) {
  const std::string text =
      fmt::format("jobs\n{}\n{}\n{}", base::ToHex(exchange.caller.tenant.str()), status, base::ToHex(cursor));
  return std::string(base::View(base::HmacSha256(services.url_secret, text)).substr(0, 16));
}

std::string SealCursor(std::string_view cursor, const Services& services, const Exchange& exchange,
                       std::string_view status) {
  return base::ToBase64Url(CursorSignature(cursor, services, exchange, status) + std::string(cursor));
}

std::optional<std::string> OpenCursor(std::string_view token, const Services& services, const Exchange& exchange,
                                      std::string_view status) {
  const auto sealed = base::FromBase64Url(token);
  if (!sealed || sealed->size() < 16) return std::nullopt;
  std::string cursor = sealed->substr(16);
  const std::string signature = CursorSignature(cursor, services, exchange, status);
  if (!base::ConstantTimeEqual(signature, std::string_view(*sealed).substr(0, 16))) return std::nullopt;
  return cursor;
}

http::Response ServeJobs(const Services& services, const Exchange& exchange) {
  ParameterReader reader(exchange.parameters, {"status", "pageSize", "pageToken"});
  ports::JobFilter filter{.status = reader.Status(),
                          .limit = reader.PageSize(kStandardJobs, services.limits.max_page_size)};
  const std::string status = reader.Text("status").value_or("");
  if (const auto token = reader.Text("pageToken")) {
    auto cursor = OpenCursor(*token, services, exchange, status);
    if (!cursor) reader.Refuse("pageToken", "it is not one of ours for this filter");
    filter.after = std::move(cursor).value_or("");
  }
  if (const auto good = reader.Finish(); !good) return exchange.Problem(good.error());
  const auto page = services.query.Jobs(exchange.caller.tenant, filter);
  if (!page) return exchange.Problem(page.error());
  std::string body = R"({"jobs":[)";
  for (const job::Job& job : page->jobs) {
    if (body.back() != '[') body += ',';
    body += wire::RenderJob(job, {});
  }
  body += ']';
  if (!page->next.empty()) {
    body += fmt::format(R"(,"nextPageToken":"{}")", SealCursor(page->next, services, exchange, status));
  }
  body += '}';
  return exchange.Json(200, std::move(body));
}

base::Result<flow::ResultFilter> ReadFilter(const Services& services, const Exchange& exchange) {
  ParameterReader reader(exchange.parameters, {"jobId", "pageSize", "pageToken", "state", "type"});
  flow::ResultFilter filter{.state = reader.State(),
                            .type = reader.Text("type"),
                            .page_size = reader.PageSize(kStandardResults, services.limits.max_page_size),
                            .page_token = reader.Text("pageToken").value_or("")};
  const auto job_id = reader.Text("jobId");
  if (!job_id) {
    reader.Refuse("jobId", "it is needed");
  } else if (auto why = wire::RefuseJobId(*job_id)) {
    reader.Refuse("jobId", *std::move(why));
  }
  if (filter.type) {
    if (auto why = wire::RefuseType(*filter.type)) reader.Refuse("type", *std::move(why));
  }
  UT_TRY(reader.Finish());
  return filter;
}

http::Response ServeResults(const Services& services, const Exchange& exchange) {
  const auto filter = ReadFilter(services, exchange);
  if (!filter) return exchange.Problem(filter.error());
  const std::string& job_id = exchange.parameters.at("jobId");
  const auto page = services.query.Results({.tenant = exchange.caller.tenant, .job = job::JobId(job_id)}, *filter);
  if (!page) return exchange.Problem(page.error());
  std::string body = R"({"jobId":)";
  base::AppendJsonString(body, job_id);
  body += R"(,"results":[)";
  for (const job::Outcome& outcome : page->results) {
    if (body.back() != '[') body += ',';
    wire::AppendResult(outcome, body);
  }
  body += ']';
  if (!page->next_page_token.empty()) {
    body += R"(,"nextPageToken":)";
    base::AppendJsonString(body, page->next_page_token);
  }
  body += '}';
  return exchange.Json(200, std::move(body));
}

// Commands take no members: an empty body or {}.
base::Status CheckEmpty(std::string_view body, const Exchange& exchange) {
  UT_TRY(ParameterReader(exchange.parameters, {}).Finish());
  if (body.empty()) return {};
  wire::StrictParser parser;
  UT_TRY_ASSIGN(const wire::Element document, parser.Parse(body));
  wire::Object object;
  if (document.get(object) != simdjson::SUCCESS) return base::FailAt("", "an empty body or an object is expected");
  for (const auto field : object) {
    return base::FailAt("/" + base::PointerToken(field.key), "unknown field: this takes none");
  }
  return {};
}

using Command = base::Result<job::Job> (flow::Control::*)(const job::JobKey&);

Plan ChangeJob(const Services& services, const ExchangePtr& exchange, Command command, std::string_view event,
               int status) {
  return Whole(exchange, kCommandBodyBytes, [&services, exchange, command, event, status](const std::string& body) {
    if (const auto empty = CheckEmpty(body, *exchange); !empty) return exchange->Problem(empty.error());
    const auto job = (services.control.*command)(exchange->Key());
    if (!job) return exchange->Problem(job.error());
    base::LogInfo(
        event,
        {{"jobId", exchange->argument}, {"generation", job->state.generation}, {"traceId", exchange->trace.trace_id}});
    http::Response response = exchange->Json(status, wire::RenderJob(*job, {}));
    if (status == 202) {
      response.headers.emplace_back("Location", fmt::format("{}/jobs/{}", exchange->prefix, exchange->argument));
    }
    return response;
  });
}

// A path with an id that cannot be one names nothing.
std::optional<base::Error> RefuseKey(const Exchange& exchange) {
  if (!wire::RefuseJobId(exchange.argument)) return std::nullopt;
  return base::Error{.code = base::Code::kNotFound, .message = "there is no such job"};
}

}  // namespace

std::string RenderView(const flow::JobView& view) {
  std::vector<wire::NamedJson> aggregates;
  aggregates.reserve(view.aggregates.size());
  for (const flow::Aggregate& aggregate : view.aggregates) aggregates.push_back({aggregate.reducer, aggregate.json});
  return wire::RenderJob(view.job, aggregates);
}

Plan ListJobs(const Services& services, const ExchangePtr& exchange) {
  return Bare(exchange, [&services, exchange] { return ServeJobs(services, *exchange); });
}

Plan ListResults(const Services& services, const ExchangePtr& exchange) {
  return Bare(exchange, [&services, exchange] { return ServeResults(services, *exchange); });
}

Plan ReadJob(const Services& services, const ExchangePtr& exchange) {
  if (const auto refused = RefuseKey(*exchange)) return Refuse(exchange, *refused);
  return Bare(exchange, [&services, exchange] {
    const auto good = ParameterReader(exchange->parameters, {}).Finish();
    if (!good) return exchange->Problem(good.error());
    const auto view = services.query.Job(exchange->Key());
    return view ? exchange->Json(200, RenderView(*view)) : exchange->Problem(view.error());
  });
}

Plan CancelJob(const Services& services, const ExchangePtr& exchange) {
  if (const auto refused = RefuseKey(*exchange)) return Refuse(exchange, *refused);
  return ChangeJob(services, exchange, &flow::Control::Cancel, "job-cancelled", 200);
}

Plan RetryJob(const Services& services, const ExchangePtr& exchange) {
  if (const auto refused = RefuseKey(*exchange)) return Refuse(exchange, *refused);
  return ChangeJob(services, exchange, &flow::Control::Retry, "job-retried", 202);
}

}  // namespace api
