#include <fmt/format.h>

#include <algorithm>

#include "api/calls.h"
#include "base/log.h"
#include "wire/render.h"

namespace api {

namespace {

constexpr std::size_t kMaxIdempotencyKeyBytes = 255;

// What the first answer said, whatever became of the job since: a repeated request cannot tell the difference.
job::Job AsFirstAnswered(const job::Job& job) {
  job::Job first{.spec = job.spec};
  if (!job.spec.manifest_uploaded) first.state.toon_count = job.state.toon_count;
  return first;
}

class SubmitCall final : public http::Call {
 public:
  SubmitCall(ExchangePtr exchange, std::unique_ptr<flow::Submission> submission)
      : exchange_(std::move(exchange)), submission_(std::move(submission)) {}

  base::Status Write(std::string_view piece) override { return submission_->Write(piece); }

  void Finish(http::Respond respond) override {
    const auto answer = submission_->Finish();
    if (!answer) return respond(exchange_->Problem(answer.error()));
    const job::Job& job = answer->job;
    http::Response response = exchange_->Json(202, wire::RenderAccepted(AsFirstAnswered(job), exchange_->prefix));
    response.headers.emplace_back("Location", fmt::format("{}/jobs/{}", exchange_->prefix, job.spec.key.job.str()));
    if (answer->replayed) {
      response.headers.emplace_back("Idempotent-Replayed", "true");
    } else {
      base::LogInfo("job-accepted", {{"jobId", job.spec.key.job.str()},
                                     {"toons", job.state.toon_count.value_or(0)},
                                     {"bytes", job.spec.manifest.bytes},
                                     {"traceId", exchange_->trace.trace_id}});
    }
    respond(std::move(response));
  }

  http::Response Fail(const base::Error& error) override { return exchange_->Problem(error); }

 private:
  ExchangePtr exchange_;
  std::unique_ptr<flow::Submission> submission_;
};

base::Result<std::optional<std::string>> IdempotencyKey(const http::RequestHead& head) {
  const std::string_view key = head.header("idempotency-key");
  if (key.empty()) return std::nullopt;
  const auto printable = [](char c) { return c >= 0x20 && c <= 0x7e; };
  if (key.size() > kMaxIdempotencyKeyBytes || !std::ranges::all_of(key, printable)) {
    return base::FailAt("/Idempotency-Key",
                        fmt::format("at most {} printable ASCII characters are expected", kMaxIdempotencyKeyBytes));
  }
  return std::string(key);
}

base::Result<std::unique_ptr<flow::Submission>> BeginSubmission(const Services& services, const Exchange& exchange) {
  if (!exchange.parameters.empty()) {
    return base::FailAt("/" + base::PointerToken(exchange.parameters.begin()->first), "this path takes no parameters");
  }
  const std::uint64_t most = services.limits.max_body_bytes;
  if (exchange.head.content_length > most) {
    return base::Fail(base::Code::kTooLarge, fmt::format("the body has {} bytes, {} may be (maxBodyBytes)",
                                                         exchange.head.content_length.value_or(0), most));
  }
  UT_TRY_ASSIGN(auto key, IdempotencyKey(exchange.head));
  return services.submit.Begin({.tenant = exchange.caller.tenant,
                                .idempotency_key = std::move(key),
                                .traceparent = wire::FormatTraceparent(exchange.trace)});
}

}  // namespace

Plan Submit(const Services& services, const ExchangePtr& exchange) {
  auto submission = BeginSubmission(services, *exchange);
  if (!submission) return Refuse(exchange, submission.error());
  Plan plan;
  plan.call = std::make_unique<SubmitCall>(exchange, *std::move(submission));
  plan.max_body_bytes = services.limits.max_body_bytes;
  return plan;
}

}  // namespace api
