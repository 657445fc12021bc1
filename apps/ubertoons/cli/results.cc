#include "cli/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "cli/headline.h"
#include "cli/table.h"

namespace cli {
namespace {

constexpr std::uint64_t kPageSize = 500;
constexpr std::size_t kShortFingerprint = 12;

std::string PagePath(const ResultQuery& query, const std::string& token, std::uint64_t size) {
  std::string path = fmt::format("/results?jobId={}&pageSize={}", http::PercentEncode(query.job_id), size);
  if (!query.state.empty()) path += "&state=" + http::PercentEncode(query.state);
  if (!query.type.empty()) path += "&type=" + http::PercentEncode(query.type);
  if (!token.empty()) path += "&pageToken=" + http::PercentEncode(token);
  return path;
}

std::unexpected<Failure> BadPage() {
  return Fail(Exit::kInternal, "The server's page of results is damaged", "it has no list of results");
}

Try<std::vector<ResultRow>> RowsOf(const Document& page) {
  const json::array* values = ArrayAt(page.value, "results");
  const auto raws = RawListAt(page.text, "results");
  if (values == nullptr || !raws || raws->size() != values->size()) return BadPage();
  std::vector<ResultRow> rows;
  rows.reserve(raws->size());
  for (std::size_t i = 0; i < raws->size(); ++i) rows.push_back({(*raws)[i], &(*values)[i]});
  return rows;
}

std::string Sha256At(const json::value& element) {
  const json::value* fingerprint = At(element, "fingerprint");
  return fingerprint == nullptr ? std::string{} : TextAt(*fingerprint, "sha256");
}

Colour ColourOf(std::string_view state) {
  if (state == "Succeeded") return Colour::kGreen;
  return state == "Failed" ? Colour::kRed : Colour::kDim;
}

Row TableRow(const json::value& element) {
  const std::string state = TextAt(element, "state");
  const std::optional<double> millis = NumberAt(element, "durationMs");
  const json::value* reused = At(element, "reused");
  std::string headline = Headline(element);
  if (reused != nullptr && reused->is_bool() && reused->get_bool()) headline += " (reused)";
  return {{TextAt(element, "toonId")},
          {TextAt(element, "type")},
          {state, ColourOf(state)},
          {Sha256At(element).substr(0, kShortFingerprint), Colour::kDim},
          {millis ? HumanMillis(*millis) : ""},
          {headline}};
}

std::string RawAt(std::string_view raw, std::string_view key) {
  const auto members = RawMembers(raw);
  if (!members) return {};
  for (const RawMember& member : *members) {
    if (member.key == key) return OneLine(member.value);
  }
  return {};
}

std::string CsvRow(const ResultRow& row) {
  const json::value& element = *row.value;
  const json::value* fingerprint = At(element, "fingerprint");
  const json::value* error = At(element, "error");
  return CsvLine({TextAt(element, "toonId"), TextAt(element, "type"), TextAt(element, "state"), Sha256At(element),
                  fingerprint == nullptr ? "" : TextAt(*fingerprint, "perceptual"), RawAt(row.raw, "durationMs"),
                  RawAt(row.raw, "attempts"), TextAt(element, "processedAt"),
                  error == nullptr ? "" : TextAt(*error, "code"), error == nullptr ? "" : TextAt(*error, "message"),
                  Headline(element), RawAt(row.raw, "result")});
}

Try<Exit> WriteTable(Shell& shell, const ResultQuery& query) {
  Table table(shell.out, {{"TOON", Align::kLeft, 36},
                          {"TYPE", Align::kLeft, 12},
                          {"STATE"},
                          {"FINGERPRINT"},
                          {"DURATION", Align::kRight},
                          {"RESULT"}});
  UT_TRY(EachPage(shell.session, query, [&](const std::vector<ResultRow>& rows) -> Try<bool> {
    std::vector<Row> cells;
    cells.reserve(rows.size());
    for (const ResultRow& row : rows) cells.push_back(TableRow(*row.value));
    table.WritePage(std::move(cells));
    return !shell.out.closed();
  }));
  return Exit::kOk;
}

Try<Exit> WriteJsonDocument(Shell& shell, const ResultQuery& query) {
  const bool tty = shell.out.tty();
  bool begun = false;
  const auto begin = [&] {
    if (!begun) shell.out.Write(fmt::format("{{\"jobId\":{},\"results\":[", Quoted(query.job_id)));
    begun = true;
  };
  bool first = true;
  UT_TRY(EachPage(shell.session, query, [&](const std::vector<ResultRow>& rows) -> Try<bool> {
    begin();
    for (const ResultRow& row : rows) {
      shell.out.Write(first ? "\n" : ",\n");
      shell.out.Write(tty ? PrintableJson(row.raw) : std::string(row.raw));
      first = false;
    }
    return !shell.out.closed();
  }));
  begin();
  shell.out.Write("\n]}\n");
  return Exit::kOk;
}

Try<Exit> WriteCsv(Shell& shell, const ResultQuery& query) {
  const bool tty = shell.out.tty();
  shell.out.Write(
      "toonId,type,state,sha256,perceptual,durationMs,attempts,processedAt,errorCode,errorMessage,headline,result\n");
  UT_TRY(EachPage(shell.session, query, [&](const std::vector<ResultRow>& rows) -> Try<bool> {
    for (const ResultRow& row : rows) {
      const std::string line = CsvRow(row);
      shell.out.Write((tty ? Printable(line) : line) + "\n");
    }
    return !shell.out.closed();
  }));
  return Exit::kOk;
}

}  // namespace

Try<void> EachPage(Session& session, const ResultQuery& query, const TakePage& take) {
  std::string token;
  std::uint64_t left = query.limit.value_or(UINT64_MAX);
  while (left > 0) {
    UT_TRY_ASSIGN(const Document page, session.Get(PagePath(query, token, std::min(left, kPageSize))));
    UT_TRY_ASSIGN(std::vector<ResultRow> rows, RowsOf(page));
    if (rows.size() > left) rows.resize(left);
    left -= rows.size();
    UT_TRY_ASSIGN(const bool more, take(rows));
    std::string next = TextAt(page.value, "nextPageToken");
    if (!more || next.empty()) return {};
    if (next == token) return Fail(Exit::kInternal, "The server's pages do not end", "a page names itself as the next");
    token = std::move(next);
  }
  return {};
}

Try<Exit> RunResults(Shell& shell, const ResultQuery& query, ResultFormat format) {
  switch (format) {
    case ResultFormat::kTable:
      return WriteTable(shell, query);
    case ResultFormat::kJson:
      return WriteJsonDocument(shell, query);
    case ResultFormat::kCsv:
      return WriteCsv(shell, query);
  }
  return Exit::kInternal;
}

}  // namespace cli
