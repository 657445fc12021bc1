#include "store/committer.h"

#include "base/log.h"

namespace store {

namespace {
constexpr std::size_t kMaxWaiting = 1024;  // callers block past it, so that requests in memory stay bounded
constexpr std::size_t kMaxRequestsPerGroup = 512;
}  // namespace

Committer::Committer(Database& database, const Options& options)
    : database_(database), options_(options), group_(database), hot_(group_, options.hot_job_bytes) {}

Committer::~Committer() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  work_.notify_all();
  space_.notify_all();
}

base::Status Committer::Start() {
  UT_TRY(group_.Load());
  thread_ = std::jthread([this] { Loop(); });
  return {};
}

RocksStore::Stats Committer::stats() const {
  return {.commits = commits_, .requests = requests_, .failed_commits = failed_commits_};
}

void Committer::Wait(Request& request) {
  std::unique_lock lock(mutex_);
  space_.wait(lock, [&] { return closed_ || waiting_.size() < kMaxWaiting; });
  if (closed_) {
    request.commit = base::Fail(base::Code::kUnavailable, "the job store is closing");
    return;
  }
  waiting_.push_back(&request);
  work_.notify_one();
  request.ended.wait(lock, [&] { return request.done; });
}

std::vector<Committer::Request*> Committer::TakeGroup() {
  std::vector<Request*> taken;
  std::unique_lock lock(mutex_);
  work_.wait(lock, [&] { return closed_ || !waiting_.empty(); });
  std::size_t bytes = 0;
  while (!waiting_.empty() && taken.size() < kMaxRequestsPerGroup) {
    Request* next = waiting_.front();
    const bool alone = next->grouping == Grouping::kAlone;
    if (!taken.empty() && (alone || bytes + next->bytes > options_.max_group_bytes)) break;
    waiting_.pop_front();
    taken.push_back(next);
    bytes += next->bytes;
    if (alone) break;
  }
  lock.unlock();
  space_.notify_all();
  return taken;
}

base::Status Committer::CommitGroup(const std::vector<Request*>& requests) {
  if (resume_first_) {
    UT_TRY(database_.Resume());
    UT_TRY(group_.Load());
    resume_first_ = false;
    base::LogInfo("store-resumed", {});
  }
  for (Request* request : requests) request->Execute({.group = group_, .hot = hot_});
  hot_.Flush();
  return group_.Commit();
}

void Committer::Answer(const std::vector<Request*>& requests, const base::Status& commit) {
  const std::lock_guard lock(mutex_);
  for (Request* request : requests) {
    request->commit = commit;
    request->done = true;
    request->ended.notify_one();  // under the lock: the request is gone as soon as its caller sees `done`
  }
}

void Committer::Loop() {
  while (true) {
    const std::vector<Request*> requests = TakeGroup();
    if (requests.empty()) return;
    const base::Status commit = CommitGroup(requests);
    group_.Clear();
    if (commit) {
      hot_.EndGroup();
      commits_ += 1;
    } else {
      // Nothing of this group is claimed. What memory knows may be ahead of the store: forget it.
      base::LogError("store-commit-failed", {{"requests", requests.size()}, {"error", commit.error().message}});
      hot_.Clear();
      resume_first_ = true;
      failed_commits_ += 1;
    }
    requests_ += requests.size();
    Answer(requests, commit);
  }
}

}  // namespace store
