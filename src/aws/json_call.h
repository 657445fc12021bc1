// Services that speak "AWS JSON": one POST, the operation in a header, a document there and one back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/call.h"
#include "base/error.h"
#include "wire/json_reader.h"
#include "wire/strict_json.h"

namespace aws {

struct JsonCall {
  Service service = Service::kSqs;
  std::string_view operation;  // "SendMessageBatch"
  std::string_view body;       // a JSON object
  Repeat repeat = Repeat::kHarmless;
  std::optional<base::SteadyPoint> deadline;
  std::chrono::milliseconds extra_time{0};
  std::string* refusal_body = nullptr;
};

// An answer's text and tree. Not copyable; elements live as long as it does.
class JsonAnswer {
 public:
  // kUnavailable: it is not a JSON object ("" counts as {}).
  [[nodiscard]] base::Status Parse(std::string text, std::string_view what);
  [[nodiscard]] const wire::Object& root() const { return root_; }
  // Members of an object: "" and nullopt when absent or of another kind.
  [[nodiscard]] static std::string Text(const wire::Object& object, std::string_view key);
  [[nodiscard]] static std::optional<wire::Object> Member(const wire::Object& object, std::string_view key);
  [[nodiscard]] static std::optional<wire::Array> List(const wire::Object& object, std::string_view key);
  [[nodiscard]] static bool True(const wire::Object& object, std::string_view key);

 private:
  wire::StrictParser parser_;
  wire::Object root_;
};

// Errors as Caller::Send.
[[nodiscard]] base::Status SendJson(Caller& caller, const JsonCall& call, JsonAnswer& answer);

[[nodiscard]] std::string Quoted(std::string_view text);  // as a JSON string

}  // namespace aws
