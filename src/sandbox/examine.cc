#include <fmt/format.h>
#include <signal.h>

#include <string>

#include "base/log.h"
#include "sandbox/child.h"
#include "sandbox/child/probes.h"
#include "sandbox/executor_pool.h"

namespace sandbox {

namespace {

// In a child of its own: many probes end it.
base::Result<std::string> Try(const PoolOptions& options, std::string_view probe) {
  UT_TRY_ASSIGN(const auto child, Child::Start(options));
  UT_TRY_ASSIGN(const Hello hello, child->Greet());
  const std::vector<ports::Operation> operations = {{.name = std::string(probe)}};
  const Answer answer = child->Run({.tenant = {}, .verb = kProbeVerb, .operations = &operations, .inputs = {}});
  if (!answer) {
    if (answer.error().error.code == "forbidden-call") return "killed";
    // A child without an answer that was not killed for its call has become another program.
    return probe == "exec" ? "POSSIBLE" : "died";
  }
  constexpr std::string_view kBefore = R"({"probe":")";
  const std::string_view json = answer->result_json;
  if (!json.starts_with(kBefore) || !json.ends_with("\"}")) return "died";
  return std::string(json.substr(kBefore.size(), json.size() - kBefore.size() - 2));
}

void PutText(std::string& out, std::string_view key, std::string_view value) {
  base::AppendJsonString(out, key);
  out += ':';
  base::AppendJsonString(out, value);
}

}  // namespace

base::Result<std::string> Examine(const PoolOptions& options) {
  IgnoreBrokenPipes();
  UT_TRY_ASSIGN(const auto child, Child::Start(options));
  UT_TRY_ASSIGN(const Hello hello, child->Greet());
  std::string json = "{";
  PutText(json, "program", options.program);
  json += ',';
  PutText(json, "version", hello.version);
  json += ',';
  PutText(json, "level", kLevelNames[static_cast<std::size_t>(hello.level)]);
  json += R"(,"measures":{)";
  for (const auto& [name, taken] : hello.measures) {
    if (json.back() != '{') json += ',';
    base::AppendJsonString(json, name);
    json += taken ? ":true" : ":false";
  }
  json += R"(},"probes":{)";
  for (const std::string_view probe : kProbeNames) {
    UT_TRY_ASSIGN(const std::string result, Try(options, probe));
    if (json.back() != '{') json += ',';
    PutText(json, probe, result);
  }
  return json + "}}";
}

}  // namespace sandbox
