// Giving work and taking answers: the API's threads, and the manager for parked polls.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "local/pool.h"
#include "local/worker_launch.h"
#include "wire/chunk_codec.h"

namespace local {

using Lease = ports::WorkSource::Lease;
using std::chrono::milliseconds;

void Pool::Next(Worker& worker, ParkedPoll poll) {
  const Settling settling(*this);
  if (auto unanswered = TakeActive(worker, "")) {
    const auto end = unanswered->undelivered ? ports::WorkerEnd::kPlatform : ports::WorkerEnd::kErrored;
    source_.Lost(unanswered->lease.id, end, "the worker asked for more without having answered");
  }
  {
    const std::lock_guard lock(mutex_);
    worker.polled = true;
    worker.group.failures = 0;
    if (worker.state != WorkerState::kStopping) worker.state = WorkerState::kIdle;
    worker.since = clock_.Steady();
  }
  if (OfferWork(worker, std::move(poll)) == Offer::kParked) wake_->Wake();
}

// Recycling waits for one chunk at least: a limit set too low makes workers short-lived, not useless.
bool Pool::MayTake(const Worker& worker) const {
  const std::lock_guard lock(mutex_);
  const WorkerSpec& spec = worker.group.spec;
  const bool old = clock_.Steady() - worker.started >= options_.max_age;
  const bool grown = spec.max_rss_mb > 0 && worker.rss_bytes > (spec.max_rss_mb << 20U);
  return !drain_until_ && worker.state == WorkerState::kIdle && !worker.ended && !(worker.served && (old || grown));
}

Pool::Offer Pool::OfferWork(Worker& worker, ParkedPoll poll) {
  const Settling settling(*this);
  while (MayTake(worker)) {
    auto lease = source_.Take(worker.group.spec.classes);
    if (!lease) break;
    if (Give(worker, std::move(*lease), poll)) return Offer::kGiven;
  }
  Park(worker, std::move(poll));
  return Offer::kParked;
}

void Pool::Park(Worker& worker, ParkedPoll poll) {
  const std::lock_guard lock(mutex_);
  if (poll.poll > worker.abandoned && !worker.ended) worker.parked = std::move(poll);
}

base::Result<std::string> Pool::EncodeLease(const WorkerSpec& spec, const Lease& lease) const {
  if (!spec.encode) return wire::EncodeChunk(lease.chunk);
  return spec.encode(lease);
}

// False: the lease is lost already, and the poll is still open.
bool Pool::Give(Worker& worker, Lease lease, ParkedPoll& poll) {
  const WorkerSpec& spec = worker.group.spec;
  const auto body = EncodeLease(spec, lease);
  if (!body) {
    const bool ours = base::PolicyOf(body.error().code).retryable;
    source_.Lost(lease.id, ours ? ports::WorkerEnd::kPlatform : ports::WorkerEnd::kErrored, body.error().message);
    return false;
  }
  const base::TimePoint now = clock_.Now();
  const milliseconds time = lease.deadline.count() > 0 ? lease.deadline : options_.deadline;
  const std::string hex = random_.Hex(16);
  Invocation invocation{
      .request_id = fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                                hex.substr(16, 4), hex.substr(20)),
      .event = wire::EncodeEvent({{.message_id = std::to_string(lease.id), .body = *body, .sent_at = now}},
                                 FunctionArn(spec)),
      .deadline = now + time,
      .function_arn = FunctionArn(spec),
      .traceparent = lease.chunk.traceparent};
  {
    std::unique_lock lock(mutex_);
    if (drain_until_ || worker.state != WorkerState::kIdle || worker.ended || poll.poll <= worker.abandoned) {
      lock.unlock();
      source_.Lost(lease.id, ports::WorkerEnd::kPlatform, "the worker is being stopped");
      return false;
    }
    worker.state = WorkerState::kBusy;
    worker.served = true;
    worker.since = clock_.Steady();
    worker.active = Active{.lease = std::move(lease),
                           .request_id = invocation.request_id,
                           .deadline = worker.since + time,
                           .poll = poll.poll};
  }
  poll.respond(RenderInvocation(std::move(invocation)));
  return true;
}

void Pool::Abandoned(Worker& worker, std::uint64_t poll) {
  std::optional<ParkedPoll> gone;  // destroyed after the lock
  const std::lock_guard lock(mutex_);
  worker.abandoned = std::max(worker.abandoned, poll);
  if (worker.parked && worker.parked->poll == poll) gone = std::exchange(worker.parked, std::nullopt);
  if (worker.active && worker.active->poll == poll) worker.active->undelivered = true;
}

// ---- taking answers -------------------------------------------------------------------------------------------------

bool Pool::Holds(const Worker& worker, std::string_view request_id) const {
  const std::lock_guard lock(mutex_);
  return worker.active && worker.active->request_id == request_id;
}

// The one place where a lease leaves a worker: whoever gets it here settles it. An empty id takes any.
std::optional<Active> Pool::TakeActive(Worker& worker, std::string_view request_id) {
  const std::lock_guard lock(mutex_);
  if (!worker.active || (!request_id.empty() && worker.active->request_id != request_id)) return std::nullopt;
  if (worker.state == WorkerState::kBusy) worker.state = WorkerState::kBetween;
  worker.since = clock_.Steady();
  return std::exchange(worker.active, std::nullopt);
}

void Pool::Response(Worker& worker, std::string_view request_id, std::string body, http::Respond respond) {
  const Settling settling(*this);
  auto active = TakeActive(worker, request_id);
  if (!active) return respond(RuntimeRefusal(400, "InvalidRequestID", "not the invocation of this worker"));
  // The worker goes on while its answer is committed.
  respond(
      {.status = 202, .headers = {{"Content-Type", "application/json"}}, .body = std::string(R"({"status":"OK"})")});
  Settle(worker.group.spec, active->lease, std::move(body));
}

void Pool::Settle(const WorkerSpec& spec, const Lease& lease, std::string body) {
  if (spec.decode) {
    auto answer = spec.decode(lease, std::move(body));
    if (answer) return source_.Answered(lease.id, std::move(*answer));
    // A full disk, or a processor that asks for its record again, is not the toon's fault.
    const bool ours = base::PolicyOf(answer.error().code).retryable;
    return source_.Lost(lease.id, ours ? ports::WorkerEnd::kPlatform : ports::WorkerEnd::kErrored,
                        answer.error().message);
  }
  auto answers = wire::DecodeAnswers(body);
  body = {};
  if (!answers) return source_.Lost(lease.id, ports::WorkerEnd::kErrored, answers.error().message);
  if (answers->size() != 1 || answers->front().message_id != std::to_string(lease.id)) {
    return source_.Lost(lease.id, ports::WorkerEnd::kErrored, "the answer is not about this chunk");
  }
  wire::RecordAnswer& only = answers->front();
  if (only.failed) return source_.Lost(lease.id, ports::EndOfReport(only.failure), only.failure);
  source_.Answered(lease.id, std::move(only.answer));
}

void Pool::Error(Worker& worker, std::string_view request_id, RuntimePeer::ErrorReport report, http::Respond respond) {
  const Settling settling(*this);
  auto active = TakeActive(worker, request_id);
  if (!active) return respond(RuntimeRefusal(400, "InvalidRequestID", "not the invocation of this worker"));
  respond(
      {.status = 202, .headers = {{"Content-Type", "application/json"}}, .body = std::string(R"({"status":"OK"})")});
  base::LogWarn("worker-errored", {{"worker", worker.group.spec.name}, {"pid", worker.pid}, {"type", report.type}});
  source_.Lost(active->lease.id, ports::WorkerEnd::kErrored, fmt::format("{}: {}", report.type, report.message));
}

void Pool::InitError(Worker& worker, RuntimePeer::ErrorReport report) {
  const std::lock_guard lock(mutex_);
  worker.init_error = fmt::format("{}: {}", report.type, report.message);
}

}  // namespace local
