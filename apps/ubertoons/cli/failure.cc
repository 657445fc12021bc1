#include "cli/failure.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cstring>

#include "cli/json_read.h"

namespace cli {
namespace {

Exit ExitOf(int status) {
  if (status == 429) return Exit::kThrottled;
  if (status == 501) return Exit::kRefused;
  if (status >= 500) return Exit::kUnreachable;
  if (status >= 400) return Exit::kRefused;
  return Exit::kInternal;
}

std::string DocumentOf(const Failure& failure) {
  json::object document{{"title", failure.title}, {"detail", failure.detail}};
  if (failure.status != 0) document["status"] = failure.status;
  if (!failure.trace_id.empty()) document["traceId"] = failure.trace_id;
  if (!failure.fields.empty()) {
    json::array& errors = document["errors"].emplace_array();
    for (const base::FieldError& field : failure.fields) {
      errors.push_back(json::object{{"pointer", field.pointer}, {"detail", field.detail}});
    }
  }
  return json::serialize(document);
}

}  // namespace

std::unexpected<Failure> Fail(Exit exit, std::string title, std::string detail) {
  return std::unexpected(Failure{.exit = exit, .title = std::move(title), .detail = std::move(detail)});
}

std::unexpected<Failure> FailUsage(std::string detail) {
  return Fail(Exit::kUsage, "Cannot do that", std::move(detail));
}

std::unexpected<Failure> FailLocal(std::string_view what, int errno_value) {
  char buffer[128];
  return Fail(Exit::kInternal, "This machine refused",
              fmt::format("{}: {}", what, strerror_r(errno_value, buffer, sizeof buffer)));
}

Failure FromError(const base::Error& error) {
  const base::ErrorPolicy& policy = base::PolicyOf(error.code);
  return Failure{.exit = static_cast<Exit>(policy.exit_code),
                 .title = std::string(policy.title),
                 .detail = error.message,
                 .fields = error.fields};
}

Failure FromAnswer(int status, std::string_view body) {
  Failure failure{.exit = ExitOf(status), .status = status};
  const std::optional<json::value> document = ParseJson(body);
  if (document && document->is_object()) {
    failure.raw = body;
    failure.title = TextAt(*document, "title");
    failure.detail = TextAt(*document, "detail");
    failure.trace_id = TextAt(*document, "traceId");
    if (const json::array* errors = ArrayAt(*document, "errors")) {
      for (const json::value& entry : *errors) {
        failure.fields.push_back({TextAt(entry, "pointer"), TextAt(entry, "detail")});
      }
    }
  }
  if (failure.title.empty()) failure.title = fmt::format("The server answered {}", status);
  return failure;
}

void PrintFailure(Stream& err, const Failure& failure, Format format) {
  if (format == Format::kJson) {
    std::string line = PrintableJson(failure.raw.empty() ? DocumentOf(failure) : failure.raw);
    while (!line.empty() && line.back() == '\n') line.pop_back();
    err.Write(line + "\n");
    err.Flush();
    return;
  }
  err.Write(fmt::format("{} {}\n", err.Paint("ubertoons:", Colour::kRed), Printable(failure.title)));
  if (!failure.detail.empty()) err.Write(fmt::format("  {}\n", Printable(failure.detail)));
  for (const base::FieldError& field : failure.fields) {
    const std::string place = field.pointer.empty() ? "(document)" : Printable(field.pointer);
    err.Write(fmt::format("  {}: {}\n", err.Paint(place, Colour::kYellow), Printable(field.detail)));
  }
  if (!failure.trace_id.empty()) err.Write(fmt::format("  trace id {}\n", Printable(failure.trace_id)));
  err.Flush();
}

}  // namespace cli
