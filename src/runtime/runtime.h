// A Lambda runtime: asks the Runtime API for invocations and answers them, one at a time.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace runtime {

struct InvocationContext {
  std::string request_id;
  base::TimePoint deadline{};
  std::string traceparent;  // W3C; empty if none came
};
struct HandlerAnswer {
  std::string body;
  std::string content_type = "application/json";
  // This process is no use any more: Run returns OK after the answer, and the home starts another one.
  enum class After : std::uint8_t { kServe, kEnd } after = After::kServe;
};
// One event in, one answer out. An Error becomes an invocation error of PolicyOf(code).lambda_type. Must not throw.
using Handler = std::function<base::Result<HandlerAnswer>(std::string_view event, const InvocationContext& context)>;

// The value of AWS_LAMBDA_RUNTIME_API: host:port, with a path behind it where the home gives one. kInvalid if absent.
[[nodiscard]] base::Result<std::string> ApiFromEnvironment();

// Serves until the API goes away or a handler asks to end (OK), until SIGTERM arrives (the process exits 0: at once
// between invocations, else after the answer), or until the API refuses us (kUnavailable). Call once per process: it
// takes SIGTERM.
[[nodiscard]] base::Status Run(const std::string& api, const Handler& handler);

// Tells the API that the worker cannot start (POST init/error).
void ReportInitError(const std::string& api, const base::Error& error);

}  // namespace runtime
