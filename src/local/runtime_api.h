// The AWS Lambda Runtime API on loopback, as a protocol and nothing more: what to do is the business of a RuntimePeer.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
//
// Each worker process has a path of its own that nobody can guess (128 random bits), so that no other process of this
// machine takes its invocations or answers for it: AWS_LAMBDA_RUNTIME_API is "127.0.0.1:PORT/<32 hex digits>", to which
// a runtime appends "/2018-06-01/runtime/…". A runtime that takes only host:port must be told the path another way; see
// workers/python/README.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "http/server.h"

namespace local {

inline constexpr std::uint64_t kMaxAnswerBytes = 256ULL << 20U;     // one invocation's response; held in memory
inline constexpr std::uint64_t kMaxErrorReportBytes = 1ULL << 20U;  // one error report

struct Invocation {
  std::string request_id;
  std::string event;  // JSON
  base::TimePoint deadline{};
  std::string function_arn;
  std::string traceparent;  // may be empty
};

// The answer to GET …/invocation/next.
[[nodiscard]] http::Response RenderInvocation(Invocation invocation);
// 202, as Lambda answers to a response or a report.
[[nodiscard]] http::Response RuntimeAccepted();
// A refusal as Lambda words it: {"errorMessage","errorType"}.
[[nodiscard]] http::Response RuntimeRefusal(int status, std::string_view type, std::string_view message);
// "00-<32>-<16>-01" -> "Root=1-<8>-<24>;Parent=<16>;Sampled=1"; empty if it does not parse.
[[nodiscard]] std::string XRayTrace(std::string_view traceparent);

// One worker process as the API sees it. Called on the server's blocking pool, several calls at a time.
class RuntimePeer {
 public:
  virtual ~RuntimePeer() = default;
  // The worker asks for its next invocation; `respond` is kept until there is one. `poll` numbers the polls.
  virtual void OnNext(std::uint64_t poll, http::Respond respond) = 0;
  // The client of that poll is gone. Must not block.
  virtual void OnPollAbandoned(std::uint64_t poll) = 0;
  // Is this the invocation that the worker holds?
  [[nodiscard]] virtual bool Holds(std::string_view request_id) const = 0;
  // Call respond exactly once: 202, or 400 when the worker does not hold that invocation (any more).
  virtual void OnResponse(std::string_view request_id, std::string body, http::Respond respond) = 0;
  struct ErrorReport {
    std::string type;
    std::string message;  // cut to 1 KB
  };
  virtual void OnError(std::string_view request_id, ErrorReport report, http::Respond respond) = 0;
  virtual void OnInitError(ErrorReport report) = 0;
};

// Thread-safe.
class RuntimeApi final : private http::Handler {
 public:
  // Listens on a free port of 127.0.0.1 and serves at once. kUnavailable.
  [[nodiscard]] static base::Result<std::unique_ptr<RuntimeApi>> Listen(int blocking_threads, base::Random& random);
  ~RuntimeApi() override;
  // Admits one worker. Answers its token: 32 hex digits.
  [[nodiscard]] std::string Add(std::shared_ptr<RuntimePeer> peer);
  void Remove(std::string_view token);
  // The value of AWS_LAMBDA_RUNTIME_API for that worker.
  [[nodiscard]] std::string AddressFor(std::string_view token) const;

 private:
  explicit RuntimeApi(base::Random& random) : random_(random) {}
  Plan Begin(const http::RequestHead& head) override;
  http::Response Malformed(const base::Error& error) override;
  std::shared_ptr<RuntimePeer> Find(std::string_view token) const;
  Plan BeginPost(std::shared_ptr<RuntimePeer> peer, std::string_view path, const http::RequestHead& head);

  base::Random& random_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<RuntimePeer>, std::less<>> peers_;  // guarded by mutex_
  std::uint64_t polls_ = 0;                                                 // guarded by mutex_
  std::unique_ptr<http::Server> server_;                                    // last: its threads use all the rest
};

}  // namespace local
