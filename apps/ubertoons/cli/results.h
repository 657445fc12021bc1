// `ubertoons results`, and reading all pages of a job's results.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/shell.h"

namespace cli {

struct ResultQuery {
  std::string job_id;
  std::string state;  // "Pending", "Succeeded", "Failed"; empty: all
  std::string type;   // empty: all
  std::optional<std::uint64_t> limit;
};
struct ResultRow {
  std::string_view raw;      // as the server wrote it
  const json::value* value;  // the same, read
};
// Calls `take` with each page in manifest order, one page in memory at a time, until the end, the limit, or false.
using TakePage = std::function<Try<bool>(const std::vector<ResultRow>&)>;
[[nodiscard]] Try<void> EachPage(Session& session, const ResultQuery& query, const TakePage& take);

enum class ResultFormat : unsigned char { kTable, kJson, kCsv };
// kTable for people, kJson one document {"jobId","results"} of all pages, kCsv one line a toon.
[[nodiscard]] Try<Exit> RunResults(Shell& shell, const ResultQuery& query, ResultFormat format);

}  // namespace cli
