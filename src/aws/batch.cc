#include "aws/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "aws/json_call.h"

namespace aws {

namespace {

// One round over `indexes`: `again` gets what may be sent once more, `failures` what may not.
class Round {
 public:
  Round(const BatchRun& run, std::vector<EntryFailure>& failures) : run_(run), failures_(failures) {}

  void Go(const std::vector<std::size_t>& indexes) {
    std::vector<std::size_t> group;
    std::size_t bytes = 0;
    for (const std::size_t index : indexes) {
      const std::size_t more = run_.bytes_of(index);
      if (more > run_.limits.bytes) {
        failures_.push_back({.index = index,
                             .error = {.code = base::Code::kTooLarge,
                                       .message = fmt::format("{}: an entry of {} bytes is over {}",
                                                              TraitsOf(run_.service).name, more, run_.limits.bytes)}});
        continue;
      }
      if (group.size() == run_.limits.entries || bytes + more > run_.limits.bytes) {
        Send(group);
        group.clear();
        bytes = 0;
      }
      group.push_back(index);
      bytes += more;
    }
    if (!group.empty()) Send(group);
  }
  [[nodiscard]] std::vector<EntryFailure> TakeAgain() { return std::exchange(again_, {}); }

 private:
  void Send(const std::vector<std::size_t>& group) {
    if (broken_) return FailAll(group, *broken_);
    auto refused = run_.send(group);
    if (!refused) {
      broken_ = refused.error();
      return FailAll(group, *broken_);
    }
    for (EntryFailure& failure : *refused) {
      (base::PolicyOf(failure.error.code).retryable ? again_ : failures_).push_back(std::move(failure));
    }
  }
  // The caller has tried such a request often enough already.
  void FailAll(const std::vector<std::size_t>& group, const base::Error& error) {
    for (const std::size_t index : group) failures_.push_back({.index = index, .error = error});
  }

  const BatchRun& run_;
  std::vector<EntryFailure>& failures_;
  std::vector<EntryFailure> again_;
  std::optional<base::Error> broken_;
};

}  // namespace

std::vector<EntryFailure> SendInBatches(Caller& caller, std::size_t count, const BatchRun& run) {
  std::vector<std::size_t> indexes(count);
  std::iota(indexes.begin(), indexes.end(), std::size_t{0});
  std::vector<EntryFailure> failures;
  for (int retry = 0; !indexes.empty(); ++retry) {
    Round round(run, failures);
    round.Go(indexes);
    std::vector<EntryFailure> again = round.TakeAgain();
    indexes.clear();
    if (again.empty()) break;
    if (retry + 1 >= caller.settings().max_attempts || !caller.PauseBeforeRetry(run.service, retry, run.deadline)) {
      std::ranges::move(again, std::back_inserter(failures));
      break;
    }
    for (const EntryFailure& failure : again) indexes.push_back(failure.index);
    std::ranges::sort(indexes);
  }
  std::ranges::sort(failures, {}, &EntryFailure::index);
  return failures;
}

base::Status FirstFailure(const std::vector<EntryFailure>& failures, std::string_view what) {
  if (failures.empty()) return {};
  base::Error error = failures.front().error;
  error.message = fmt::format("{}: {} entries failed, the first: {}", what, failures.size(), error.message);
  return std::unexpected(std::move(error));
}

std::vector<EntryFailure> FailuresByPlace(const wire::Object& root, std::string_view list,
                                          std::span<const std::size_t> indexes, std::string_view what) {
  std::vector<EntryFailure> failures;
  const auto entries = JsonAnswer::List(root, list);
  if (!entries) return failures;
  std::size_t place = 0;
  for (const wire::Element element : *entries) {
    wire::Object entry;
    if (place == indexes.size()) break;
    const std::size_t index = indexes[place++];
    if (element.get(entry) != simdjson::SUCCESS) continue;
    const std::string code = JsonAnswer::Text(entry, "ErrorCode");
    if (code.empty()) continue;
    failures.push_back({.index = index, .error = EntryError(code, JsonAnswer::Text(entry, "ErrorMessage"), what)});
  }
  return failures;
}

base::Error EntryError(std::string_view code, std::string_view message, std::string_view what) {
  http::ClientResponse as_answer{.status = 400};
  as_answer.headers.emplace_back("x-amzn-errortype", code);
  Refusal refusal = ReadRefusal(as_answer);
  refusal.message = message;
  return ErrorOf(refusal, as_answer.status, what);
}

}  // namespace aws
