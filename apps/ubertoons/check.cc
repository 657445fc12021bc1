#include "check.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "auth/auth.h"
#include "base/error.h"
#include "base/log.h"
#include "local/file_blobs.h"
#include "store/check.h"

namespace {

// So many problems are kept for the one JSON document; the others are counted.
constexpr std::size_t kMaxListed = 10'000;

// What cannot be written is seen at the end.
void Say(std::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
}

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

void PrintText(const store::Checked& checked, store::Hashing hashing) {
  for (const auto& [name, count] : checked.counts) Say(fmt::format("{:>16}  {}\n", count, name));
  if (hashing == store::Hashing::kLength) Say("Blobs were measured and not hashed (--fast).\n");
  if (checked.torn_log) Say("The log's last commit is cut off, as a loss of power does; nobody was told of it.\n");
  if (checked.orphan_blobs > 0) {
    Say(fmt::format("{} blobs ({} bytes) belong to nothing; the server removes them when they are old enough.\n",
                    checked.orphan_blobs, checked.orphan_bytes));
  }
  Say(checked.problems == 0 ? "Sound.\n" : fmt::format("{} problems.\n", checked.problems));
}

void PrintJson(const store::Checked& checked, store::Hashing hashing, const std::vector<std::string>& problems) {
  std::string out =
      fmt::format(R"({{"sound":{},"hashed":{},"checked":{{)", checked.problems == 0, hashing == store::Hashing::kAll);
  for (const auto& [name, count] : checked.counts) {
    if (out.back() != '{') out += ',';
    base::AppendJsonString(out, name);
    out += fmt::format(":{}", count);
  }
  out +=
      fmt::format(R"(}},"orphanBlobs":{},"orphanBytes":{},"orphanRows":{},"tornLog":{},"problemCount":{},"problems":[)",
                  checked.orphan_blobs, checked.orphan_bytes, checked.orphan_rows, checked.torn_log, checked.problems);
  Say(out);
  for (std::size_t i = 0; i < problems.size(); ++i) Say(fmt::format("{}\n{}", i > 0 ? "," : "", problems[i]));
  Say("]}\n");
}

// What a start needs beside database and blobs.
void CheckRest(const std::string& data, const std::function<void(const store::Problem&)>& tell) {
  std::error_code ignored;
  if (std::filesystem::exists(data + "/RESTORING", ignored)) {
    tell({.kind = "restore-unfinished",
          .what = fmt::format("the restore into {} did not end: {}/RESTORING is there", data, data),
          .remedy = "remove the folder and restore again"});
  }
  const base::Status keys = auth::LocalIssuer::Verify(data + "/keys");
  if (keys) return;
  tell({.kind = keys.error().code == base::Code::kNotFound ? "key-missing" : "key-damaged",
        .what = keys.error().message,
        .remedy =
            "put the folder keys of the last backup in its place, or remove what is damaged: the server makes new "
            "keys, and every token and signed URL of the old ones is refused"});
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
  const store::Hashing hashing = flags.fast ? store::Hashing::kLength : store::Hashing::kAll;
  std::vector<std::string> listed;
  const auto tell = [&](const store::Problem& problem) {
    if (!json) return Say(AsText(problem));
    if (listed.size() < kMaxListed) listed.push_back(AsJson(problem));
  };
  base::SetLogLevel(base::LogLevel::kOff);  // the report says it all
  auto checked =
      store::Check(flags.data + "/db", {.blobs = blobs.get(), .hashing = hashing, .now = clock.Now(), .tell = tell});
  if (!checked) {
    fmt::print(stderr, "ubertoons: {}\n", checked.error().message);
    return checked.error().code == base::Code::kNotFound ? 2 : base::PolicyOf(checked.error().code).exit_code;
  }
  CheckRest(flags.data, [&](const store::Problem& problem) {
    checked->problems += 1;
    tell(problem);
  });
  if (json) {
    PrintJson(*checked, hashing, listed);
  } else {
    PrintText(*checked, hashing);
  }
  // Not the code for damage: nothing was found out about the folder.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    fmt::print(stderr, "ubertoons: the report cannot be written\n");
    return base::PolicyOf(base::Code::kUnavailable).exit_code;
  }
  return checked->problems == 0 ? 0 : base::PolicyOf(base::Code::kCorrupt).exit_code;
}
