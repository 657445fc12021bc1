#include "aws/stepfunctions.h"

#include <fmt/format.h>

#include "aws/json_call.h"

namespace aws {

base::Result<std::string> StepFunctionsClient::Start(const std::string& machine_arn, const std::string& name,
                                                     const std::string& input_json) {
  const std::string body = fmt::format(R"({{"stateMachineArn":{},"name":{},"input":{}}})", Quoted(machine_arn),
                                       Quoted(name), Quoted(input_json));
  JsonAnswer answer;
  UT_TRY(SendJson(caller_, {.service = Service::kStepFunctions, .operation = "StartExecution", .body = body}, answer));
  return JsonAnswer::Text(answer.root(), "executionArn");
}

base::Result<Execution> StepFunctionsClient::Describe(const std::string& execution_arn) {
  const std::string body = fmt::format(R"({{"executionArn":{}}})", Quoted(execution_arn));
  JsonAnswer answer;
  UT_TRY(
      SendJson(caller_, {.service = Service::kStepFunctions, .operation = "DescribeExecution", .body = body}, answer));
  return Execution{.status = JsonAnswer::Text(answer.root(), "status"),
                   .output = JsonAnswer::Text(answer.root(), "output")};
}

base::Status StepFunctionsClient::TaskSucceeded(const std::string& token, const std::string& output_json) {
  return Task("SendTaskSuccess", fmt::format(R"({{"taskToken":{},"output":{}}})", Quoted(token), Quoted(output_json)));
}

base::Status StepFunctionsClient::TaskFailed(const std::string& token, const std::string& error,
                                             const std::string& cause) {
  return Task("SendTaskFailure",
              fmt::format(R"({{"taskToken":{},"error":{},"cause":{}}})", Quoted(token), Quoted(error), Quoted(cause)));
}

base::Status StepFunctionsClient::TaskHeartbeat(const std::string& token) {
  return Task("SendTaskHeartbeat", fmt::format(R"({{"taskToken":{}}})", Quoted(token)));
}

base::Status StepFunctionsClient::Task(std::string_view operation, const std::string& body) {
  JsonAnswer answer;
  auto sent = SendJson(caller_, {.service = Service::kStepFunctions, .operation = operation, .body = body}, answer);
  if (sent) return {};
  base::Error error = sent.error();
  for (const std::string_view ended : {"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"}) {
    if (error.reason == ended) error.code = base::Code::kConflict;
  }
  return std::unexpected(std::move(error));
}

}  // namespace aws
