#include "aws/json_call.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"

namespace aws {

namespace {

struct Protocol {
  std::string_view target;  // before the operation
  std::string_view content_type;
};

Protocol ProtocolOf(Service service) {
  constexpr std::string_view kJson10 = "application/x-amz-json-1.0";
  constexpr std::string_view kJson11 = "application/x-amz-json-1.1";
  switch (service) {
    case Service::kSqs:
      return {.target = "AmazonSQS", .content_type = kJson10};
    case Service::kDynamoDb:
      return {.target = "DynamoDB_20120810", .content_type = kJson10};
    case Service::kStepFunctions:
      return {.target = "AWSStepFunctions", .content_type = kJson10};
    case Service::kEventBridge:
      return {.target = "AWSEvents", .content_type = kJson11};
    case Service::kKinesis:
      return {.target = "Kinesis_20131202", .content_type = kJson11};
    case Service::kKms:
      return {.target = "TrentService", .content_type = kJson11};
    case Service::kS3:
    case Service::kSns:
    case Service::kSts:
      break;
  }
  return {};
}

}  // namespace

base::Status JsonAnswer::Parse(std::string text, std::string_view what) {
  const auto parsed = parser_.Parse(text.empty() ? std::string_view("{}") : std::string_view(text));
  if (parsed && parsed->get(root_) == simdjson::SUCCESS) return {};
  return base::Fail(base::Code::kUnavailable, fmt::format("{} did not answer a JSON object", what));
}

std::string JsonAnswer::Text(const wire::Object& object, std::string_view key) {
  std::string_view text;
  return object.at_key(key).get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

std::optional<wire::Object> JsonAnswer::Member(const wire::Object& object, std::string_view key) {
  wire::Object member;
  if (object.at_key(key).get(member) != simdjson::SUCCESS) return std::nullopt;
  return member;
}

std::optional<wire::Array> JsonAnswer::List(const wire::Object& object, std::string_view key) {
  wire::Array list;
  if (object.at_key(key).get(list) != simdjson::SUCCESS) return std::nullopt;
  return list;
}

bool JsonAnswer::True(const wire::Object& object, std::string_view key) {
  bool value = false;
  return object.at_key(key).get(value) == simdjson::SUCCESS && value;
}

base::Status SendJson(Caller& caller, const JsonCall& call, JsonAnswer& answer) {
  const Protocol protocol = ProtocolOf(call.service);
  Call request{.service = call.service,
               .operation = call.operation,
               .headers = {{"Content-Type", std::string(protocol.content_type)},
                           {"X-Amz-Target", fmt::format("{}.{}", protocol.target, call.operation)}},
               .body = call.body,
               .repeat = call.repeat,
               .deadline = call.deadline,
               .extra_time = call.extra_time,
               .refusal_body = call.refusal_body};
  UT_TRY_ASSIGN(http::ClientResponse response, caller.Send(request));
  return answer.Parse(std::move(response.body), fmt::format("{} {}", TraitsOf(call.service).name, call.operation));
}

std::string Quoted(std::string_view text) {
  std::string out;
  base::AppendJsonString(out, text);
  return out;
}

}  // namespace aws
