// Step Functions: executions by name, and the tokens of tasks that wait. Thread-safe; blocks. Errors as Caller::Send.
#pragma once

#include <string>
#include <string_view>

#include "aws/call.h"
#include "base/error.h"

namespace aws {

struct Execution {
  std::string status;  // "RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"
  std::string output;  // JSON, once it succeeded
};

class StepFunctionsClient {
 public:
  explicit StepFunctionsClient(Caller& caller) : caller_(caller) {}  // which outlives it

  // The execution's ARN. name: up to 80 characters, unique per machine for 90 days: while one of that name runs with
  // the same input it is answered again, else kConflict with the reason "ExecutionAlreadyExists", which says that it
  // was started before.
  [[nodiscard]] base::Result<std::string> Start(const std::string& machine_arn, const std::string& name,
                                                const std::string& input_json);
  [[nodiscard]] base::Result<Execution> Describe(const std::string& execution_arn);
  // kConflict: the task has ended already (reason "TaskDoesNotExist", "TaskTimedOut" or "InvalidToken").
  [[nodiscard]] base::Status TaskSucceeded(const std::string& token, const std::string& output_json);
  [[nodiscard]] base::Status TaskFailed(const std::string& token, const std::string& error, const std::string& cause);
  [[nodiscard]] base::Status TaskHeartbeat(const std::string& token);

 private:
  [[nodiscard]] base::Status Task(std::string_view operation, const std::string& body);
  Caller& caller_;
};

}  // namespace aws
