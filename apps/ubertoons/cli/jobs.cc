#include "cli/jobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "cli/progress.h"
#include "cli/table.h"
#include "cli/watch.h"

namespace cli {
namespace {

constexpr std::uint64_t kPageSize = 200;

Colour ColourOf(std::string_view status) {
  if (status == "Completed") return Colour::kGreen;
  if (status == "Failed") return Colour::kRed;
  return status == "Processing" ? Colour::kCyan : Colour::kDim;
}

std::string Line(std::string_view name, std::string_view text) {
  return text.empty() ? std::string{} : fmt::format("  {:<11}{}\n", name, Printable(text));
}

std::string RenderArtifacts(const json::value& document) {
  std::string text;
  const json::array* artifacts = ArrayAt(document, "artifacts");
  if (artifacts == nullptr) return text;
  for (const json::value& artifact : *artifacts) {
    const auto bytes = CountAt(artifact, "bytes");
    text += Line(text.empty() ? "artifacts" : "",
                 fmt::format("{} ({}, {})", TextAt(artifact, "name"), TextAt(artifact, "contentType"),
                             bytes ? HumanBytes(*bytes) : "?"));
  }
  return text;
}

Try<Exit> ShowJob(Shell& shell, const Document& document, const JobOptions& options) {
  if (options.json) {
    WriteJson(shell.out, document.text);
  } else {
    shell.out.Write(RenderStatus(document.value, shell.out));
  }
  return Exit::kOk;
}

Try<Document> Post(Shell& shell, const JobOptions& options, std::string_view verb) {
  return shell.session.Fetch({.method = "POST", .path = JobPath(options.job_id, verb)});
}

Row RowOf(const json::value& document) {
  const Snapshot job = SnapshotOf(document).value_or(Snapshot{});
  return {{job.job_id},
          {job.status, ColourOf(job.status)},
          {job.toon_count ? Grouped(*job.toon_count) : "?"},
          {Grouped(job.succeeded)},
          {Grouped(job.failed), job.failed == 0 ? Colour::kNone : Colour::kRed},
          {job.submitted_at, Colour::kDim},
          {job.reason}};
}

struct JobPage {
  std::vector<std::string> raws;
  std::vector<Row> rows;
  std::string next;
};

Try<JobPage> FetchJobs(Session& session, const ListOptions& options, const std::string& token, std::uint64_t size) {
  std::string path = fmt::format("/jobs?pageSize={}", size);
  if (!options.status.empty()) path += "&status=" + http::PercentEncode(options.status);
  if (!token.empty()) path += "&pageToken=" + http::PercentEncode(token);
  UT_TRY_ASSIGN(const Document document, session.Get(path));
  const json::array* jobs = ArrayAt(document.value, "jobs");
  const auto raws = RawListAt(document.text, "jobs");
  if (jobs == nullptr || !raws || raws->size() != jobs->size()) {
    return Fail(Exit::kInternal, "The server's page of jobs is damaged", "it has no list of jobs");
  }
  JobPage page{.next = TextAt(document.value, "nextPageToken")};
  for (const std::string_view raw : *raws) page.raws.emplace_back(raw);
  for (const json::value& job : *jobs) page.rows.push_back(RowOf(job));
  return page;
}

// Writes pages as the rows of a table or as elements of {"jobs":[…]}.
class JobWriter {
 public:
  JobWriter(Stream& out, bool json)
      : out_(out),
        json_(json),
        table_(out, {{"JOB", Align::kLeft, 40},
                     {"STATUS"},
                     {"TOONS", Align::kRight},
                     {"SUCCEEDED", Align::kRight},
                     {"FAILED", Align::kRight},
                     {"SUBMITTED", Align::kLeft, 24},
                     {"REASON"}}) {
    if (json_) out_.Write("{\"jobs\":[");
  }
  void Write(JobPage page) {
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

}  // namespace

std::string RenderStatus(const json::value& document, const Stream& out) {
  const Snapshot job = SnapshotOf(document).value_or(Snapshot{});
  std::string text = fmt::format("{}  {}\n", out.Paint(Printable(job.job_id), Colour::kBold),
                                 out.Paint(Printable(job.status), ColourOf(job.status)));
  text += Line("toons", fmt::format("{} of {} processed, {} succeeded, {} failed", Grouped(job.processed),
                                    job.toon_count ? Grouped(*job.toon_count) : "?", Grouped(job.succeeded),
                                    Grouped(job.failed)));
  text += Line("reason", job.reason);
  text += Line("submitted", job.submitted_at);
  text += Line("started", TextAt(document, "startedAt"));
  text += Line("completed", job.completed_at);
  if (const json::value* metadata = At(document, "metadata"); metadata != nullptr && metadata->is_object()) {
    for (const auto& [key, value] : metadata->get_object()) {
      text +=
          Line("metadata", fmt::format("{}: {}", std::string_view(key),
                                       value.is_string() ? std::string(value.get_string()) : json::serialize(value)));
    }
  }
  if (const json::array* errors = ArrayAt(document, "errors")) {
    for (const json::value& error : *errors) {
      text += Line("error", fmt::format("{}: {}", TextAt(error, "pointer"), TextAt(error, "detail")));
    }
  }
  return text + RenderArtifacts(document);
}

Try<Exit> RunStatus(Shell& shell, const JobOptions& options) {
  UT_TRY_ASSIGN(const Document document, shell.session.Get(JobPath(options.job_id)));
  return ShowJob(shell, document, options);
}

Try<Exit> RunCancel(Shell& shell, const JobOptions& options) {
  UT_TRY_ASSIGN(const Document document, Post(shell, options, "/cancel"));
  return ShowJob(shell, document, options);
}

Try<Exit> RunRetry(Shell& shell, const JobOptions& options) {
  UT_TRY_ASSIGN(const Document document, Post(shell, options, "/retry"));
  if (!options.watch) return ShowJob(shell, document, options);
  return WatchToEnd(shell, options.job_id, options.json ? Format::kJson : Format::kText);
}

Try<Exit> RunJobs(Shell& shell, const ListOptions& options) {
  JobWriter writer(shell.out, options.json);
  std::string token;
  std::uint64_t left = options.limit.value_or(UINT64_MAX);
  while (left > 0 && !shell.out.closed()) {
    UT_TRY_ASSIGN(JobPage page, FetchJobs(shell.session, options, token, std::min(left, kPageSize)));
    if (page.rows.size() > left) {
      page.rows.resize(left);
      page.raws.resize(left);
    }
    left -= page.rows.size();
    std::string next = std::move(page.next);
    writer.Write(std::move(page));
    if (next.empty()) break;
    if (next == token) return Fail(Exit::kInternal, "The server's pages do not end", "a page names itself as the next");
    token = std::move(next);
  }
  writer.End();
  return Exit::kOk;
}

}  // namespace cli
