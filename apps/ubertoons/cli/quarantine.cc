#include "cli/quarantine.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/table.h"

namespace cli {
namespace {

constexpr std::uint64_t kPageSize = 200;
constexpr std::size_t kHashColumns = 64;  // whole: it is what release takes

struct Page {
  std::vector<std::string> raws;
  std::vector<Row> rows;
  std::string next;
};

Row RowOf(const json::value& entry) {
  return {{TextAt(entry, "sha256")}, {TextAt(entry, "type")},   {TextAt(entry, "code"), Colour::kRed},
          {TextAt(entry, "jobId")},  {TextAt(entry, "toonId")}, {TextAt(entry, "quarantinedAt"), Colour::kDim},
          {TextAt(entry, "message")}};
}

Try<Page> FetchPage(Session& session, const std::string& after, std::uint64_t size) {
  std::string path = fmt::format("/quarantine?limit={}", size);
  if (!after.empty()) path += "&after=" + http::PercentEncode(after);
  UT_TRY_ASSIGN(const Document document, session.Get(path));
  const json::array* items = ArrayAt(document.value, "items");
  const auto raws = RawListAt(document.text, "items");
  if (items == nullptr || !raws || raws->size() != items->size()) {
    return Fail(Exit::kInternal, "The server's page of quarantine is damaged", "it has no list of items");
  }
  Page page{.next = TextAt(document.value, "next")};
  for (const std::string_view raw : *raws) page.raws.emplace_back(raw);
  for (const json::value& item : *items) page.rows.push_back(RowOf(item));
  return page;
}

// Writes pages as the rows of a table or as elements of {"items":[…]}.
class Writer {
 public:
  Writer(Stream& out, bool json)
      : out_(out),
        json_(json),
        table_(out, {{"SHA-256", Align::kLeft, kHashColumns},
                     {"TYPE"},
                     {"CODE"},
                     {"JOB"},
                     {"TOON"},
                     {"SINCE", Align::kLeft, 24},
                     {"MESSAGE"}}) {
    if (json_) out_.Write("{\"items\":[");
  }
  void Write(Page page) {
    if (!json_) {
      table_.WritePage(std::move(page.rows));
      return;
    }
    for (const std::string& raw : page.raws) {
      out_.Write(first_ ? "\n" : ",\n");
      out_.Write(out_.tty() ? PrintableJson(raw) : raw);
      first_ = false;
    }
  }
  void End() {
    if (json_) out_.Write("\n]}\n");
  }

 private:
  Stream& out_;
  bool json_;
  bool first_ = true;
  Table table_;
};

std::string RenderReleased(const std::vector<std::string>& hashes) {
  std::string text = "{\"released\":[";
  for (const std::string& hash : hashes) text += fmt::format("{}{}", text.back() == '[' ? "" : ",", Quoted(hash));
  return text + "]}";
}

}  // namespace

Try<Exit> RunQuarantine(Shell& shell, const QuarantineOptions& options) {
  Writer writer(shell.out, options.json);
  std::string after;
  std::uint64_t left = options.limit.value_or(UINT64_MAX);
  while (left > 0 && !shell.out.closed()) {
    UT_TRY_ASSIGN(Page page, FetchPage(shell.session, after, std::min(left, kPageSize)));
    if (page.rows.size() > left) {
      page.rows.resize(left);
      page.raws.resize(left);
    }
    left -= page.rows.size();
    std::string next = std::move(page.next);
    writer.Write(std::move(page));
    if (next.empty()) break;
    if (next == after) return Fail(Exit::kInternal, "The server's pages do not end", "a page names itself as the next");
    after = std::move(next);
  }
  writer.End();
  return Exit::kOk;
}

Try<Exit> RunRelease(Shell& shell, const QuarantineOptions& options) {
  std::vector<std::string> released;
  Try<Exit> end = Exit::kOk;
  for (const std::string& hash : options.hashes) {
    const auto answer = shell.session.Send({.method = "DELETE", .path = "/quarantine/" + http::PercentEncode(hash)});
    if (answer) {
      released.push_back(hash);
      if (!options.json) shell.out.Write(hash + "\n");
      continue;
    }
    if (answer.error().exit != Exit::kRefused) {
      end = std::unexpected(answer.error());
      break;
    }
    PrintFailure(shell.err, answer.error(), options.json ? Format::kJson : Format::kText);
    end = Exit::kRefused;
  }
  if (options.json) WriteJson(shell.out, RenderReleased(released));
  return end;
}

}  // namespace cli
