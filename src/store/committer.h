// The one thread that writes. Callers hand it requests; it takes all that wait (up to a size), lets each check its
// conditions against memory and store with the effects of those before it in the group, commits them in one synced
// batch and answers every caller. Also a caller whose condition failed waits for that commit: what it was told may rest
// on it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/group.h"
#include "store/hot_jobs.h"

namespace store {

// What a request works on, on the committer's thread.
struct Turn {
  Group& group;
  HotJobs& hot;
};

enum class Grouping : std::uint8_t {
  kShared,  // with whatever else waits
  kAlone,   // a group of its own: it reads ranges, which do not see what the group has put so far
};

class Committer {
 public:
  Committer(Database& database, const Options& options);
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;
  [[nodiscard]] base::Status Start();

  // Runs `apply` (Turn -> Result<T>) in a group of about `bytes` more and answers after that group is durable. `apply`
  // must not have changed anything when it fails, or spoil the group. Blocks.
  template <typename T, typename Apply>
  [[nodiscard]] base::Result<T> Run(std::size_t bytes, Grouping grouping, Apply apply) {
    struct Typed final : Request {
      explicit Typed(Apply& body) : apply(body) {}
      void Execute(Turn turn) override { answer.emplace(apply(turn)); }
      Apply& apply;
      std::optional<base::Result<T>> answer;
    } request(apply);
    request.bytes = bytes;
    request.grouping = grouping;
    Wait(request);
    if (!request.commit) return std::unexpected(std::move(request.commit).error());
    if (!request.answer) return base::Fail(base::Code::kInternal, "a committed request was not executed");
    return std::move(*request.answer);
  }

  [[nodiscard]] RocksStore::Stats stats() const;

 private:
  struct Request {
    virtual ~Request() = default;
    virtual void Execute(Turn turn) = 0;
    std::size_t bytes = 0;
    Grouping grouping = Grouping::kShared;
    base::Status commit;  // of its group; set before done
    bool done = false;    // guarded by mutex_
    std::condition_variable ended;
  };

  void Wait(Request& request);
  void Loop();
  [[nodiscard]] std::vector<Request*> TakeGroup();  // empty: closed and nothing waits
  [[nodiscard]] base::Status CommitGroup(const std::vector<Request*>& requests);
  void Answer(const std::vector<Request*>& requests, const base::Status& commit);

  Database& database_;
  const Options& options_;
  Group group_;
  HotJobs hot_;
  bool resume_first_ = false;  // the last write failed

  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable space_;
  std::deque<Request*> waiting_;  // guarded by mutex_
  bool closed_ = false;           // guarded by mutex_

  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<std::uint64_t> failed_commits_{0};
  std::jthread thread_;
};

}  // namespace store
