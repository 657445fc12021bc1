#include "flow/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "flow/manifest.h"
#include "wire/outcome_codec.h"

namespace flow {

namespace {

constexpr std::size_t kScanRows = 2000;  // read at once from a generation
constexpr std::size_t kScanBytes = 4U << 20U;
constexpr job::Position kMaxScanned = 50'000;  // positions looked at for one page: a rare type costs pages, not minutes

// The newest outcome of each position over all generations, position by position.
class OutcomeMerge {
 public:
  OutcomeMerge(ports::OutcomeStore& store, const job::Job& job, job::Position from) : store_(store), job_(job) {
    for (job::Generation g = job.state.generation; g >= 1; --g) sources_.push_back({.generation = g, .next = from});
  }
  // The smallest position >= `from` that has an outcome in some generation; nullopt: none.
  base::Result<std::optional<job::Position>> NextPosition(job::Position from) {
    std::optional<job::Position> least;
    for (Source& source : sources_) {
      UT_TRY(Advance(source, from));
      if (source.at < source.rows.size()) {
        const job::Position position = source.rows[source.at].position;
        least = least ? std::min(*least, position) : position;
      }
    }
    return least;
  }
  // The standing outcome of a position that NextPosition has reached: of the current generation, or an earlier success.
  // nullptr: it failed before and is open again.
  const ports::OutcomeRow* Standing(job::Position position) const {
    for (const Source& source : sources_) {
      if (source.at >= source.rows.size() || source.rows[source.at].position != position) continue;
      const ports::OutcomeRow& row = source.rows[source.at];
      const bool stands = source.generation == job_.state.generation || row.state == job::ToonState::kSucceeded;
      return stands ? &row : nullptr;
    }
    return nullptr;
  }

 private:
  struct Source {
    job::Generation generation;
    job::Position next;  // of the next read
    std::vector<ports::OutcomeRow> rows;
    std::size_t at = 0;
    bool ended = false;
  };
  base::Status Advance(Source& source, job::Position from) {
    while (true) {
      while (source.at < source.rows.size() && source.rows[source.at].position < from) ++source.at;
      if (source.at < source.rows.size() || source.ended) return {};
      source.next = std::max(source.next, from);
      UT_TRY_ASSIGN(source.rows, store_.Read(job_.spec.key, source.generation, source.next, kScanRows, kScanBytes));
      source.at = 0;
      source.ended = source.rows.empty();
      if (!source.ended) source.next = source.rows.back().position + 1;
    }
  }

  ports::OutcomeStore& store_;
  const job::Job& job_;
  std::vector<Source> sources_;  // newest first
};

// "<position>.<tag>": the tag ties a token to its job and filter.
std::string FilterTag(const job::JobKey& key, const ResultFilter& filter) {
  const std::string text = fmt::format("{}\n{}\n{}\n{}", key.tenant.str(), key.job.str(),
                                       filter.state ? static_cast<int>(*filter.state) : -1, filter.type.value_or(""));
  return base::ToHex(base::Sha256Of(text)).substr(0, 12);
}
std::string FormatToken(const job::JobKey& key, const ResultFilter& filter, job::Position next) {
  return base::ToBase64Url(fmt::format("{}.{}", next, FilterTag(key, filter)));
}
base::Result<job::Position> ParseToken(const job::JobKey& key, const ResultFilter& filter) {
  if (filter.page_token.empty()) return job::Position{0};
  const auto refuse = [] { return base::FailAt("/pageToken", "not a page token of this job and filter"); };
  const auto text = base::FromBase64Url(filter.page_token);
  if (!text) return refuse();
  job::Position position = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), position);
  if (error != std::errc() || std::string_view(end, text->data() + text->size()) != "." + FilterTag(key, filter)) {
    return refuse();
  }
  return position;
}

class ResultScan {
 public:
  ResultScan(Context& context, const job::Job& job, const ResultFilter& filter, job::Position from)
      : context_(context),
        job_(job),
        filter_(filter),
        from_(from),
        merge_(context.outcomes, job, from),
        lines_(context.plans, context.blobs, job.spec.manifest, 1) {}

  base::Result<ResultPage> Run() {
    const job::Position end = job_.state.toon_count.value_or(0);
    const std::optional<job::ToonState> open = OpenState();
    // Not asked for a state: what a cancel covers has ended, what is pending has not.
    const bool open_wanted = open && filter_.state.value_or(job::ToonState::kFailed) == *open;
    ResultPage page;
    job::Position at = from_;
    while (at < end && at - from_ < kMaxScanned && page.results.size() < filter_.page_size &&
           bytes_ < context_.limits.max_page_bytes) {
      UT_TRY_ASSIGN(const auto next, merge_.NextPosition(at));
      const job::Position recorded = next.value_or(end);
      if (at < recorded) {
        if (open_wanted) {
          UT_TRY(AddOpen(at, page));
          at += 1;
        } else {
          at = recorded;
        }
        continue;
      }
      const ports::OutcomeRow* row = merge_.Standing(at);
      if (row != nullptr) {
        UT_TRY(AddRecorded(*row, page));
      } else if (open_wanted) {
        UT_TRY(AddOpen(at, page));
      }
      at += 1;
    }
    if (at < end) page.next_page_token = FormatToken(job_.spec.key, filter_, at);
    return page;
  }

 private:
  // What a toon without a standing outcome reads as; nullopt: an ended job has none of them.
  std::optional<job::ToonState> OpenState() const {
    if (job_.state.cancelled) return job::ToonState::kFailed;
    if (job_.state.phase == job::Phase::kEnded) return std::nullopt;
    return job::ToonState::kPending;
  }

  base::Status AddRecorded(const ports::OutcomeRow& row, ResultPage& page) {
    if (filter_.state && *filter_.state != row.state) return {};
    UT_TRY_ASSIGN(job::Outcome outcome, wire::DecodeOutcome(row.row));
    if (filter_.type && *filter_.type != outcome.type) return {};
    bytes_ += row.row.size() + 200;
    page.results.push_back(std::move(outcome));
    return {};
  }

  base::Status AddOpen(job::Position position, ResultPage& page) {
    UT_TRY_ASSIGN(const ManifestCursor::Line line, lines_.Seek(position));
    UT_TRY_ASSIGN(const wire::Element element, parser_.Parse(line.text, "", wire::StrictParser::Padding::kPresent));
    wire::ToonView toon;
    wire::FieldErrors errors;
    if (!wire::DecodeToon(element, line.text, "", {}, toon, errors)) {
      return base::Fail(base::Code::kCorrupt, fmt::format("toon {} of a manifest does not decode", position));
    }
    if (filter_.type && *filter_.type != toon.type) return {};
    job::Outcome outcome;
    outcome.position = position;
    outcome.toon_id = job::ToonId(toon.toon_id);
    outcome.type = toon.type;
    outcome.state = OpenState().value_or(job::ToonState::kPending);
    if (outcome.state == job::ToonState::kFailed) {
      outcome.error = job::ToonError{.code = "cancelled", .message = "the job was cancelled before this toon ended"};
      outcome.processed_at = job_.state.completed_at.value_or(job_.state.updated_at);
      outcome.attempts = 0;
    }
    bytes_ += 300;
    page.results.push_back(std::move(outcome));
    return {};
  }

  Context& context_;
  const job::Job& job_;
  const ResultFilter& filter_;
  job::Position from_;
  OutcomeMerge merge_;
  ManifestCursor lines_;
  wire::StrictParser parser_;
  std::uint64_t bytes_ = 0;
};

std::unexpected<base::Error> Absent(const job::JobKey& key) {
  return base::Fail(base::Code::kNotFound, fmt::format("there is no job {}", key.job.str()));
}

}  // namespace

base::Result<JobView> Query::Job(const job::JobKey& key) {
  UT_TRY_ASSIGN(auto job, context_.jobs.Get(key));
  if (!job) return Absent(key);
  JobView view{.job = std::move(*job)};
  UT_TRY_ASSIGN(const auto partials, context_.outcomes.Aggregates(key));
  for (const ports::Partial& partial : partials) {
    const ports::Reducer* reducer = context_.reducers.Find(partial.reducer);
    if (reducer == nullptr) continue;
    UT_TRY_ASSIGN(std::string json, reducer->Render(partial.bytes));
    view.aggregates.push_back({.reducer = partial.reducer, .json = std::move(json)});
  }
  return view;
}

base::Result<ports::JobPage> Query::Jobs(const job::TenantId& tenant, const ports::JobFilter& filter) {
  return context_.jobs.List(tenant, filter);
}

base::Result<ResultPage> Query::Results(const job::JobKey& key, const ResultFilter& filter) {
  UT_TRY_ASSIGN(const auto job, context_.jobs.Get(key));
  if (!job) return Absent(key);
  UT_TRY_ASSIGN(const job::Position from, ParseToken(key, filter));
  return ResultScan(context_, *job, filter, from).Run();
}

base::Result<Query::ArtifactPlace> Query::Artifact(const job::TenantId& tenant, const base::Sha256& sha256) {
  UT_TRY_ASSIGN(auto artifact, context_.references.FindArtifact(tenant, sha256));
  if (!artifact) return base::Fail(base::Code::kNotFound, "there is no such artifact");
  return ArtifactPlace{.artifact = std::move(*artifact), .blob_key = ports::ContentKey(tenant, sha256)};
}

base::Result<ports::QuarantinePage> Query::Quarantined(const job::TenantId& tenant,
                                                       const std::optional<job::QuarantineKey>& after,
                                                       std::size_t limit) {
  return context_.quarantine.List(tenant, after, limit);
}

}  // namespace flow
