#include "store/check.h"

#include <fmt/format.h>
#include <rocksdb/sst_file_reader.h>

#include <algorithm>
#include <filesystem>

#include "store/checker.h"
#include "store/log_tail.h"

namespace store {

namespace {

constexpr std::string_view kRestore =
    "restore the last backup (ubertoons restore); keep this folder until that one is checked";
constexpr std::string_view kJobRemedy =
    "the other jobs are not affected; restore the last backup, or submit the job again under another id";
constexpr std::string_view kBytesRemedy =
    "restore the last backup, or store the same bytes again: submit the job again with reuse off, or upload them again";

// What to do about each kind of problem.
std::string_view RemedyOf(std::string_view kind) {
  static constexpr std::string_view kBytes[] = {"artifact-missing", "artifact-altered", "upload-missing",
                                                "upload-altered",   "blob-altered",     "blob-unreadable"};
  static constexpr std::string_view kWhole[] = {"database-unreadable", "table-damaged", "rows-unreadable",
                                                "unknown-row"};
  if (std::ranges::find(kBytes, kind) != std::end(kBytes)) return kBytesRemedy;
  return std::ranges::find(kWhole, kind) != std::end(kWhole) ? kRestore : kJobRemedy;
}

}  // namespace

std::string_view KeyReader::Take(std::size_t bytes) {
  ok_ = ok_ && rest_.size() >= bytes;
  const std::string_view taken = rest_.substr(0, ok_ ? bytes : 0);
  rest_.remove_prefix(taken.size());
  return taken;
}

std::string KeyReader::Text() {
  const std::string_view size = Take(2);
  if (!ok_) return {};
  return std::string(
      Take(static_cast<std::size_t>(static_cast<std::uint8_t>(size[0])) << 8U | static_cast<std::uint8_t>(size[1])));
}

std::uint32_t KeyReader::Big32() {
  std::uint32_t value = 0;
  for (const char byte : Take(4)) value = value << 8U | static_cast<std::uint8_t>(byte);
  return value;
}

std::uint64_t KeyReader::Big64() {
  std::uint64_t value = 0;
  for (const char byte : Take(8)) value = value << 8U | static_cast<std::uint8_t>(byte);
  return value;
}

base::Sha256 KeyReader::Hash() {
  base::Sha256 hash{};
  std::ranges::copy(Take(hash.size()), hash.begin());
  return hash;
}

void Checker::Count(std::string_view name, std::uint64_t more) {
  const auto found = checked_.counts.find(name);
  if (found != checked_.counts.end()) {
    found->second += more;
  } else {
    checked_.counts.emplace(name, more);
  }
}

void Checker::Tell(Problem problem) {
  problem.remedy = RemedyOf(problem.kind);
  checked_.problems += 1;
  options_.tell(problem);
}

void Checker::CheckTables() {
  for (const std::string& path : database_.TableFiles()) {
    Count("table files");
    rocksdb::SstFileReader reader{rocksdb::Options()};
    rocksdb::Status status = reader.Open(path);
    if (status.ok()) status = reader.VerifyChecksum();
    if (!status.ok()) Tell({.kind = "table-damaged", .what = fmt::format("{}: {}", path, status.ToString())});
  }
}

base::Result<Checked> Check(const std::string& dir, const CheckOptions& options) {
  Checked checked;
  const auto tell = [&](Problem problem) {
    problem.remedy = RemedyOf(problem.kind);
    checked.problems += 1;
    options.tell(problem);
  };
  std::error_code error;
  if (!std::filesystem::is_directory(dir, error)) {
    return base::Fail(base::Code::kNotFound, fmt::format("{} is not there: this is no data folder", dir));
  }
  auto lock = FolderLock::Take(dir, nullptr);
  // Where nothing can be written there is no server either.
  if (!lock && (lock.error().reason == "in-use" || lock.error().message.find("Read-only") == std::string::npos)) {
    return std::unexpected(lock.error());
  }
  if (!std::filesystem::exists(dir + "/CURRENT", error)) {
    tell({.kind = "database-unreadable", .what = fmt::format("{}/CURRENT is missing", dir)});
  } else {
    UT_TRY_ASSIGN(const ExaminedLogs logs, ExamineLogs(dir));
    checked.torn_log = logs.newest == LogTail::kTorn;
    auto database = Database::OpenToRead(dir, {.merger = nullptr});
    if (!database) {
      tell({.kind = "database-unreadable", .what = database.error().message});
    } else {
      Checker checker(**database, options, checked);
      checker.CheckTables();
      checker.CheckRows();
      checker.CheckOutcomes();
      checker.CheckBlobs();
    }
  }
  return checked;
}

}  // namespace store
