#include "check.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "local/file_blobs.h"
#include "store/check.h"

namespace {

// So many problems are kept for the one JSON document; the others are counted.
constexpr std::size_t kMaxListed = 10'000;

void AppendMember(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += fmt::format(",\"{}\":", name);
  base::AppendJsonString(out, value);
}

std::string AsJson(const store::Problem& problem) {
  std::string out = fmt::format(R"({{"kind":"{}")", problem.kind);
  AppendMember(out, "what", problem.what);
  AppendMember(out, "tenant", problem.tenant.str());
  AppendMember(out, "jobId", problem.job.str());
  AppendMember(out, "toonId", problem.toon.str());
  if (problem.position) out += fmt::format(R"(,"position":{})", *problem.position);
  AppendMember(out, "remedy", problem.remedy);
  return out + "}";
}

std::string AsText(const store::Problem& problem) {
  std::string about;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) about += fmt::format("{}{} {}", about.empty() ? "" : ", ", name, value);
  };
  add("job", problem.job.str());
  add("tenant", problem.tenant.str());
  add("toon", problem.toon.str());
  return fmt::format("{}: {}{}{}\n  what to do: {}\n", problem.kind, about, about.empty() ? "" : ": ", problem.what,
                     problem.remedy);
}

void PrintText(const store::Checked& checked, bool fast) {
  for (const auto& [name, count] : checked.counts) fmt::print("{:>16}  {}\n", count, name);
  if (fast) fmt::print("Blobs were measured and not hashed (--fast).\n");
  if (checked.torn_log)
    fmt::print("The log's last commit is cut off, as a loss of power does; nobody was told of it.\n");
  if (checked.orphan_blobs > 0) {
    fmt::print("{} blobs ({} bytes) belong to nothing; the server removes them when they are old enough.\n",
               checked.orphan_blobs, checked.orphan_bytes);
  }
  if (checked.problems == 0) {
    fmt::print("Sound.\n");
  } else {
    fmt::print("{} problems.\n", checked.problems);
  }
}

void PrintJson(const store::Checked& checked, bool fast, const std::vector<std::string>& problems) {
  std::string out = fmt::format(R"({{"sound":{},"hashed":{},"checked":{{)", checked.problems == 0, !fast);
  for (const auto& [name, count] : checked.counts) {
    if (out.back() != '{') out += ',';
    base::AppendJsonString(out, name);
    out += fmt::format(":{}", count);
  }
  out +=
      fmt::format(R"(}},"orphanBlobs":{},"orphanBytes":{},"orphanRows":{},"tornLog":{},"problemCount":{},"problems":[)",
                  checked.orphan_blobs, checked.orphan_bytes, checked.orphan_rows, checked.torn_log, checked.problems);
  fmt::print("{}", out);
  for (std::size_t i = 0; i < problems.size(); ++i) fmt::print("{}\n{}", i > 0 ? "," : "", problems[i]);
  fmt::print("]}}\n");
}

}  // namespace

void AddCheck(CLI::App& app, CheckFlags& flags, std::function<void()> chosen) {
  CLI::App* check =
      app.add_subcommand("check", "Verify a whole data folder, with no server on it; exit 6: damage")->group("Server");
  check->add_option("--data", flags.data, "The data folder, or a backup")->type_name("DIR")->required();
  check->add_flag("--fast", flags.fast, "Measure blobs, do not read and hash them");
  check->add_flag_callback("--json", [&flags] { flags.format = CheckFormat::kJson; }, "For programs");
  check->callback(std::move(chosen));
}

int Check(const CheckFlags& flags, const base::Clock& clock) {
  const bool json = flags.format == CheckFormat::kJson;
  const auto blobs = local::ReadFileBlobs(flags.data + "/blobs");
  std::vector<std::string> listed;
  base::SetLogLevel(base::LogLevel::kOff);  // the report says it all
  const auto checked =
      store::Check(flags.data + "/db", {.blobs = blobs.get(),
                                        .hashing = flags.fast ? store::Hashing::kLength : store::Hashing::kAll,
                                        .now = clock.Now(),
                                        .tell = [&](const store::Problem& problem) {
                                          if (!json) return fmt::print("{}", AsText(problem));
                                          if (listed.size() < kMaxListed) listed.push_back(AsJson(problem));
                                        }});
  if (!checked) {
    fmt::print(stderr, "ubertoons: {}\n", checked.error().message);
    return checked.error().code == base::Code::kNotFound ? 2 : base::PolicyOf(checked.error().code).exit_code;
  }
  if (json) {
    PrintJson(*checked, flags.fast, listed);
  } else {
    PrintText(*checked, flags.fast);
  }
  if (std::fflush(stdout) != 0) return base::PolicyOf(base::Code::kInternal).exit_code;
  return checked->problems == 0 ? 0 : base::PolicyOf(base::Code::kCorrupt).exit_code;
}
