#include "doctor.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "memory_budget.h"
#include "wire/strict_json.h"
#include "worker_tool.h"

namespace {

constexpr std::string_view kSafeProbes[] = {"refused", "killed", "empty"};
// What even a contained executor must have, whatever the system refuses.
constexpr std::string_view kAlways[] = {"cpuLimit", "memoryLimit", "noNewDescriptors", "open-file", "environment"};
constexpr std::string_view kExecutors[] = {"ubertoons-exec-image", "ubertoons-exec-media"};

std::string_view TextOf(const wire::Element& element, std::string_view name) {
  std::string_view text;
  return element[name].get(text) == simdjson::SUCCESS ? text : std::string_view("?");
}

std::string_view NameOf(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// What is wrong with one executor's report; every line says what to do.
void Judge(const wire::Element& report, std::string_view wanted, std::vector<std::string>& problems) {
  const std::string_view name = NameOf(TextOf(report, "program"));
  const std::string_view level = TextOf(report, "level");
  if (wanted == "strict" && level != "strict") {
    problems.push_back(fmt::format(
        "{}: {} isolation is all that this machine allows, so no media work will be done; allow seccomp, or "
        "set isolation = \"contained\"",
        name, level));
  }
  const auto promised = [&](std::string_view what) {
    return level == "strict" || std::ranges::find(kAlways, what) != std::end(kAlways);
  };
  const auto each = [&](std::string_view member, const auto& is_good) {
    wire::Object object;
    if (report[member].get(object) != simdjson::SUCCESS)
      return problems.push_back(fmt::format("{}: no {}", name, member));
    for (const auto [what, value] : object) {
      if (!promised(what) || is_good(value)) continue;
      problems.push_back(
          fmt::format("{}: {} does not hold at the level {}; do not trust it with media here", name, what, level));
    }
  };
  each("measures", [](const wire::Element& value) {
    bool taken = false;
    return value.get(taken) == simdjson::SUCCESS && taken;
  });
  each("probes", [](const wire::Element& value) {
    std::string_view found;
    return value.get(found) == simdjson::SUCCESS && std::ranges::find(kSafeProbes, found) != std::end(kSafeProbes);
  });
}

void PrintObject(const wire::Element& report, std::string_view member, std::string& out) {
  wire::Object object;
  if (report[member].get(object) != simdjson::SUCCESS) return;
  out += fmt::format("  {}\n", member);
  for (const auto [name, value] : object) {
    bool flag = false;
    std::string_view text;
    std::int64_t number = 0;
    std::string shown = "?";
    if (value.get(flag) == simdjson::SUCCESS) shown = flag ? "yes" : "no";
    if (value.get(text) == simdjson::SUCCESS) shown = text;
    if (value.get(number) == simdjson::SUCCESS) shown = std::to_string(number);
    out += fmt::format("    {:<22} {}\n", name, shown);
  }
}

struct Examined {
  std::string worker;
  std::string_view wanted;
  MemoryBudget memory;
  std::string json;  // the executors' reports
  std::vector<std::string> problems;
};

std::string AsText(const Examined& examined, const wire::Array& reports) {
  std::string out = fmt::format("worker     {}\nisolation  {} is asked for\n", examined.worker, examined.wanted);
  const MemoryBudget& memory = examined.memory;
  out += memory.bytes == 0
             ? fmt::format("memory     no budget ({})\n", memory.source)
             : fmt::format("memory     {} MiB for workers and executors ({})\n", memory.bytes >> 20U, memory.source);
  for (const auto report : reports) {
    out += fmt::format("\n{}  version {}\n  level {}\n", NameOf(TextOf(report, "program")), TextOf(report, "version"),
                       TextOf(report, "level"));
    PrintObject(report, "measures", out);
    PrintObject(report, "probes", out);
  }
  out += examined.problems.empty() ? "\nAll is as asked.\n" : "";
  return out;
}

std::string AsJson(const Examined& examined) {
  std::string out = R"({"worker":)";
  base::AppendJsonString(out, examined.worker);
  out += fmt::format(R"(,"isolation":"{}","memoryBudget":{},"ok":{},"problems":[)", examined.wanted,
                     examined.memory.bytes, examined.problems.empty());
  for (std::size_t i = 0; i < examined.problems.size(); ++i) {
    if (i > 0) out += ',';
    base::AppendJsonString(out, examined.problems[i]);
  }
  out += fmt::format("],\"executors\":{}}}\n", examined.json);
  return out;
}

base::Result<std::string> Examine(Examined& examined, const config::Config& settings, DoctorFormat format) {
  UT_TRY_ASSIGN(examined.json, AskWorker(examined.worker, "--isolation", ExecutorEnvironment(settings)));
  while (examined.json.ends_with('\n')) examined.json.pop_back();
  wire::StrictParser parser;
  wire::Array reports;
  const auto parsed = parser.Parse(examined.json);
  if (!parsed || parsed->get(reports) != simdjson::SUCCESS) {
    return base::Fail(base::Code::kInternal, "the worker answers something else than a report");
  }
  for (const std::string_view program : kExecutors) {
    const auto named = [&](const wire::Element& report) { return NameOf(TextOf(report, "program")) == program; };
    if (std::ranges::none_of(reports, named)) {
      examined.problems.push_back(fmt::format("{} is not beside the worker: its toons will fail", program));
    }
  }
  for (const auto report : reports) Judge(report, examined.wanted, examined.problems);
  return format == DoctorFormat::kJson ? AsJson(examined) : AsText(examined, reports);
}

}  // namespace

void AddDoctor(CLI::App& app, config::Flags& flags, DoctorOptions& options, std::function<void()> chosen) {
  CLI::App* doctor =
      app.add_subcommand(
             "doctor",
             "Check this machine: what isolation of media decoders is in force, how much memory they may have")
          ->group("Server");
  doctor->add_option("--config", flags.config_file, "Settings in TOML, as for serve")->type_name("FILE");
  doctor->add_option("--isolation", flags.isolation, "strict or contained")->type_name("LEVEL");
  doctor->add_option("--memory-budget", flags.memory_budget, "auto, off or a size")->type_name("SIZE");
  doctor->add_option("--worker-command", flags.worker_command,
                     "Another ubertoons-worker than the one beside this program");
  doctor->add_flag_callback("--json", [&options] { options.format = DoctorFormat::kJson; }, "For programs");
  doctor->callback(std::move(chosen));
}

int Doctor(const config::Flags& flags, const std::map<std::string, std::string>& environment,
           const DoctorOptions& options) {
  config::Flags read = flags;
  read.data = read.data.value_or(".");  // nothing is opened there
  const auto settings = config::Load(read, environment);
  if (!settings) {
    fmt::print(stderr, "ubertoons: {}\n", settings.error().message);
    return 2;
  }
  Examined examined{.worker = WorkerPath(*settings),
                    .wanted = config::kIsolationNames[static_cast<std::size_t>(settings->isolation)],
                    .memory = BudgetOf(*settings)};
  const auto report = Examine(examined, *settings, options.format);
  if (!report) {
    fmt::print(stderr, "ubertoons: {}\n", report.error().message);
    return base::PolicyOf(base::Code::kInternal).exit_code;
  }
  fmt::print("{}", *report);
  if (std::fflush(stdout) != 0) return base::PolicyOf(base::Code::kInternal).exit_code;
  for (const std::string& problem : examined.problems) fmt::print(stderr, "ubertoons: {}\n", problem);
  return examined.problems.empty() ? 0 : base::PolicyOf(base::Code::kInternal).exit_code;
}
