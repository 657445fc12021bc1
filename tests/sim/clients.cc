#include "sim/clients.h"

#include <fmt/format.h>

#include <algorithm>

#include "flow/control.h"
#include "flow/upload.h"
#include "sim/checks.h"

namespace sim {

namespace {

constexpr std::size_t kMostOpen = 3;
constexpr std::size_t kPieceBytes = 700;

bool Transient(const base::Error& error) {
  return error.code == base::Code::kUnavailable || error.code == base::Code::kThrottled;
}

[[noreturn]] void Unexpected(std::string_view what, const base::Error& error) {
  throw Violation{fmt::format("{} was refused: {} ({})", what, error.message, error.reason)};
}

}  // namespace

void Clients::DrawToons(JobModel& model) {
  Dice& dice = home_.dice;
  static const std::vector<std::string> kTypes = {"message", "message", "image", "audio"};
  static const std::vector<std::string> kTroubles = {"bad", "busy", "lethal", "poison"};
  const std::uint64_t count = dice.Between(1, home_.profile.most_toons);
  const bool mixed = dice.Chance(0.4);
  std::string type = dice.Of(kTypes);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (mixed && dice.Chance(0.2)) type = dice.Of(kTypes);
    ToonModel toon{.id = fmt::format("t{}", i), .type = type};
    // Trouble is rare in large jobs, or they would take forever.
    const bool trouble = dice.Chance(home_.profile.cruel) && (count < 20 || dice.Chance(0.05));
    toon.content = trouble ? fmt::format("{} {}", dice.Of(kTroubles), next_content_++)
                           : fmt::format("ok {}", dice.Chance(0.5) ? dice.Below(8) : 1000 + next_content_++);
    if (dice.Chance(0.03)) toon.type = "binary";  // by uri
    model.toons.push_back(std::move(toon));
  }
}

JobModel Clients::NewModel() {
  Dice& dice = home_.dice;
  JobModel model;
  model.number = home_.ledger.models.size();
  model.tenant = job::TenantId(fmt::format("tenant{}", dice.Below(home_.profile.tenants)));
  if (dice.Chance(0.8)) {
    // Tenants use the same names.
    model.job_id = fmt::format("j{}", dice.Below(12));
  } else {
    model.idempotency_key = fmt::format("key{}", model.number);
  }
  DrawToons(model);
  return model;
}

std::string Clients::ToonJson(JobModel& model, const ToonModel& toon) {
  const std::string begin = fmt::format(R"({{"toonId":"{}","type":"{}",)", toon.id, toon.type);
  if (toon.type == "message") return fmt::format(R"({}"text":"{}"}})", begin, toon.content);
  if (toon.type != "binary") return fmt::format(R"({}"data":"{}"}})", begin, base::ToBase64(toon.content));
  model.uploads.push_back(toon.content);
  return fmt::format(R"({}"uri":"upload://{}"}})", begin, base::ToHex(base::Sha256Of(toon.content)));
}

void Clients::Compose(JobModel& model) {
  Dice& dice = home_.dice;
  std::string body = fmt::format(R"({{"metadata":{{"model":{}}},)", model.number);
  if (!model.job_id.empty()) body += fmt::format(R"("jobId":"{}",)", model.job_id);
  if (dice.Chance(0.3)) {
    model.tolerated = dice.Below(4);
    body += fmt::format(R"("tolerance":{{"failedCount":{}}},)", model.tolerated);
  }
  model.reducers = {"summary"};
  if (dice.Chance(0.4)) {
    model.reducers.emplace_back("timeline");
    body += R"("reducers":["timeline"],)";
  }
  if (dice.Chance(0.2)) body += R"("chunking":"per-toon",)";
  const bool asked = dice.Chance(0.3);
  const bool wanted = asked && dice.Chance(0.7);
  model.reuse_possible = !asked || wanted;
  if (asked) body += fmt::format(R"("reuse":{},)", wanted);
  if (dice.Chance(0.2)) body += fmt::format(R"("priority":{},)", dice.Below(5));
  if (home_.profile.expiry && dice.Chance(0.5)) body += R"("retentionSeconds":60,)";
  if (dice.Chance(0.7)) {
    body += R"("toons":[)";
    for (const ToonModel& toon : model.toons)
      body += (&toon == &model.toons.front() ? "" : ",") + ToonJson(model, toon);
    body += "]}";
  } else {
    std::string lines;
    for (const ToonModel& toon : model.toons) lines += ToonJson(model, toon) + "\n";
    if (dice.Chance(0.2)) {
      model.valid = false;
      lines += ToonJson(model, model.toons.front()) + "\n";  // its id is taken
    }
    body += fmt::format(R"("manifestUri":"upload://{}"}})", base::ToHex(base::Sha256Of(lines)));
    model.uploads.push_back(std::move(lines));
  }
  model.body = std::move(body);
}

void Clients::SubmitNew() {
  JobModel model = NewModel();
  Compose(model);
  const std::size_t number = model.number;
  home_.ledger.models.push_back(std::move(model));
  Begin(number);
}

void Clients::SubmitAgain() {
  if (home_.ledger.models.empty()) return;
  Begin(home_.dice.Below(home_.ledger.models.size()));
}

void Clients::SubmitAnother() {
  if (home_.ledger.models.empty()) return;
  const JobModel& taken = home_.dice.Of(home_.ledger.models);
  JobModel model = NewModel();
  model.tenant = taken.tenant;
  model.job_id = taken.job_id;
  model.idempotency_key = taken.idempotency_key;
  if (home_.dice.Chance(0.5)) model.toons = taken.toons;  // the difference is in the rest
  Compose(model);
  const std::size_t number = model.number;
  home_.ledger.models.push_back(std::move(model));
  Begin(number);
}

bool Clients::SendUploads(const JobModel& model) {
  flow::Upload upload(*home_.context);
  for (const std::string& bytes : model.uploads) {
    const base::Sha256 digest = base::Sha256Of(bytes);
    if (!upload.Promise({.tenant = model.tenant, .sha256 = digest, .bytes = bytes.size()})) return false;
    auto receiving = upload.Receive(model.tenant, digest);
    if (!receiving || !(*receiving)->Write(bytes) || !(*receiving)->Finish()) return false;
  }
  return true;
}

void Clients::Begin(std::size_t number) {
  if (open_.size() >= kMostOpen) return;
  const JobModel& model = home_.ledger.models[number];
  if (!SendUploads(model)) return;
  home_.Trace("{} begins to submit model {} ({} toons, {})", model.tenant.str(), number, model.toons.size(),
              model.job_id.empty() ? model.idempotency_key : model.job_id);
  flow::SubmitRequest request{.tenant = model.tenant, .idempotency_key = std::nullopt, .traceparent = ""};
  if (model.job_id.empty()) request.idempotency_key = model.idempotency_key;
  auto begun = flow::Submit(*home_.context, *home_.fan_out).Begin(std::move(request));
  if (!begun) return;  // a quota: nothing was sent
  open_.push_back({.model = number, .submission = std::move(*begun), .rest = model.body});
}

bool Clients::Continue() {
  if (open_.empty()) return false;
  const auto at = open_.begin() + static_cast<std::ptrdiff_t>(home_.dice.Below(open_.size()));
  Open open = std::move(*at);
  open_.erase(at);
  Step(std::move(open));
  return true;
}

void Clients::Step(Open open) {
  const std::size_t number = open.model;
  if (!open.rest.empty()) {
    const std::string_view piece = open.rest.substr(0, kPieceBytes);
    const auto written = open.submission->Write(piece);
    if (!written) return Refused(number, written.error());
    open.rest = open.rest.substr(piece.size());
    open_.push_back(std::move(open));
    return;
  }
  home_.ledger.models[number].unsure = true;
  const auto answer = open.submission->Finish();
  if (!answer) return Refused(number, answer.error());
  Accepted(number, *answer);
}

void Clients::Accepted(std::size_t number, const flow::SubmitAnswer& answer) {
  JobModel& model = home_.ledger.models[number];
  const job::JobKey& key = answer.job.spec.key;
  home_.Trace("model {} accepted as {}/{}{}", number, key.tenant.str(), key.job.str(),
              answer.replayed ? ", again" : "");
  model.unsure = false;
  model.accepted = key;
  if (ModelNumber(answer.job) != number) throw Violation{"a submission was answered with another payload's job"};
  if (key.tenant != model.tenant) throw Violation{"a submission was stored under another tenant"};
}

void Clients::Refused(std::size_t number, const base::Error& error) {
  home_.Trace("model {} not accepted: {}", number, error.message);
  if (Transient(error)) return;
  JobModel& model = home_.ledger.models[number];
  model.unsure = false;
  const bool taken =
      error.code == base::Code::kConflict && std::ranges::any_of(home_.ledger.models, [&](const JobModel& other) {
        return other.number != number && other.tenant == model.tenant && other.job_id == model.job_id &&
               other.idempotency_key == model.idempotency_key;
      });
  // An upload may be gone by now if it was made long ago.
  const bool gone = error.code == base::Code::kInvalid && !model.uploads.empty();
  if (!taken && !gone) Unexpected(fmt::format("model {}", number), error);
  if (model.accepted && !model.forgotten) {
    const auto job = home_.Peek(*model.accepted);
    if (job && ModelNumber(*job) == number) Unexpected("an accepted payload", error);
  }
}

void Clients::InsistAll() {
  constexpr int kMostRounds = 200;
  for (int round = 0; round < kMostRounds; ++round) {
    while (Continue()) {
    }
    const auto unsure = std::ranges::find_if(home_.ledger.models, [](const JobModel& model) { return model.unsure; });
    if (unsure == home_.ledger.models.end()) return;
    Begin(unsure->number);
  }
  throw Violation{"a submission is never answered"};
}

std::optional<job::JobKey> Clients::AnyJob() {
  if (home_.ledger.stored.empty()) return std::nullopt;
  auto at = home_.ledger.stored.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(home_.dice.Below(home_.ledger.stored.size())));
  return at->first;
}

void Clients::Cancel() {
  const auto key = AnyJob();
  if (!key) return;
  const auto cancelled = flow::Control(*home_.context, *home_.fan_out).Cancel(*key);
  home_.Trace("cancel {}/{}: {}", key->tenant.str(), key->job.str(), cancelled ? "done" : cancelled.error().message);
  if (cancelled && (!cancelled->state.cancelled || cancelled->state.phase != job::Phase::kEnded)) {
    throw Violation{"a cancelled job goes on"};
  }
}

void Clients::Retry() {
  const auto key = AnyJob();
  if (!key) return;
  if (const auto job = home_.Peek(*key); !job || job->state.phase != job::Phase::kEnded) return;
  home_.ledger.stored.at(*key).most_generations += 1;
  const auto retried = flow::Control(*home_.context, *home_.fan_out).Retry(*key);
  home_.Trace("retry {}/{}: {}", key->tenant.str(), key->job.str(), retried ? "done" : retried.error().message);
}

void Clients::Read() {
  const auto key = AnyJob();
  if (!key) return;
  flow::Query query(*home_.context);
  const auto before = query.Job(*key);
  flow::ResultFilter filter{.page_size = home_.dice.Between(1, 200)};
  std::vector<job::Outcome> results;
  do {
    auto page = query.Results(*key, filter);
    if (!page) return;
    std::ranges::move(page->results, std::back_inserter(results));
    filter.page_token = page->next_page_token;
  } while (!filter.page_token.empty());
  const auto after = home_.Peek(*key);
  // Pages are no snapshot: across a retry or a deletion they say nothing in common.
  const bool same = before && after && before->job.state.generation == after->state.generation &&
                    before->job.spec.manifest == after->spec.manifest &&
                    before->job.state.cancelled == after->state.cancelled &&
                    before->job.state.toon_count == after->state.toon_count;
  const Home::Calm calm(home_);  // the check reads too
  if (same) CheckView(home_, before->job, results);
}

void Clients::Pry() {
  const auto key = AnyJob();
  if (!key) return;
  const job::JobKey foreign{job::TenantId("mallory"), key->job};
  flow::Query query(*home_.context);
  const bool seen = query.Job(foreign) || query.Results(foreign, {}) ||
                    flow::Control(*home_.context, *home_.fan_out).Cancel(foreign) ||
                    flow::Control(*home_.context, *home_.fan_out).Retry(foreign);
  const auto list = query.Jobs(foreign.tenant, {});
  if (seen || (list && !list->jobs.empty())) throw Violation{"a tenant saw another's job"};
  for (const char* content : {"ok 0", "ok 1"}) {
    if (query.Artifact(foreign.tenant, base::Sha256Of(std::string("thumb of ") + content))) {
      throw Violation{"a tenant saw another's artifact"};
    }
  }
}

}  // namespace sim
