// The command line client: every verb of `ubertoons` but `serve`. Talks to the REST API only.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/random.h"

namespace CLI {
class App;
}

namespace cli {

// What the process ends with; documented in the footer of --help and in README.md.
enum class Exit : int {
  kOk = 0,
  kJobFailed = 1,    // watch --exit-status, submit --watch, retry --watch: the job ended Failed
  kUsage = 2,        // wrong flags, an input file that cannot be read, settings that do not parse
  kRefused = 3,      // the server said no (4xx)
  kUnreachable = 4,  // no connection, a deadline passed, or the server failed (5xx)
  kThrottled = 5,    // 429 still, after waiting as long as Retry-After asked, a few times
  kInternal = 6,     // a defect, damaged data, or this machine refused (disk full)
};
inline constexpr int kInterrupted = 130;  // SIGINT while watching; the job goes on

// The process as commands see it. Outlives the App that AddCommands filled.
struct Environment {
  std::map<std::string, std::string> variables;
  int in = 0;   // file descriptors
  int out = 1;  // data
  int err = 2;  // everything else
  const base::Clock* clock = nullptr;
  base::Random* random = nullptr;
  std::function<void(std::chrono::milliseconds)> sleep;
  // What the parsed command line asks for: set by the chosen subcommand while parsing, run by Run. Answers the exit
  // code.
  std::function<int()> action;
};

// The real process: its variables, descriptors 0 to 2, and its clock.
[[nodiscard]] Environment ProcessEnvironment(const base::Clock& clock, base::Random& random);

// Registers submit, status, watch, results, artifacts, cancel, retry, jobs, quarantine and token. Each sets env.action
// when parsed.
void AddCommands(CLI::App& app, Environment& env);

// Parses (printing help or a usage error), ignores SIGPIPE, runs the action. Answers the exit code.
[[nodiscard]] int Run(CLI::App& app, Environment& env, int argc, char** argv);

}  // namespace cli
