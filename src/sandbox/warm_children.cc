#include "sandbox/warm_children.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/log.h"
#include "job/limits.h"

namespace sandbox {

base::Result<std::unique_ptr<Child>> WarmChildren::Take(std::string_view tenant) {
  Watch();
  if (auto kept = TakeKept(tenant)) return kept;
  std::unique_ptr<Child> spare;
  {
    const std::lock_guard lock(mutex_);
    spare = std::move(spare_);
  }
  // Its hello may lie in the pipe although it has died since.
  if (!spare || !spare->Greet() || !spare->Usable()) {
    UT_TRY_ASSIGN(spare, Child::Start(options_));
    UT_TRY_ASSIGN(const Hello hello, spare->Greet());
  }
  StartSpare();
  return spare;
}

std::unique_ptr<Child> WarmChildren::TakeKept(std::string_view tenant) {
  std::unique_ptr<Child> old;  // ends after the lock
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(kept_, tenant, &Kept::tenant);
  if (found != kept_.end()) {
    old = std::move(found->child);
    busy_ = found->bytes;
    kept_.erase(found);
    if (old->Usable()) return old;
    busy_ = 0;
  }
  if (kept_.size() >= job::kMaxTenantExecutors) {
    old = std::move(kept_.front().child);
    kept_.erase(kept_.begin());
  }
  return nullptr;
}

void WarmChildren::StartSpare() {
  if (options_.memory != nullptr && options_.memory->Wanted()) return;
  auto spare = Child::Start(options_);
  if (!spare) return base::LogWarn("executor-unavailable", {{"error", spare.error().message}});
  const std::lock_guard lock(mutex_);
  spare_ = *std::move(spare);
  if (options_.memory != nullptr) options_.memory->Hold(options_.holder, IdleBytes());
}

bool WarmChildren::FitForMore(const Child& child, const Process::Memory& memory) const {
  if (child.ended() || child.tasks() >= job::kMaxToonsPerExecutor) return false;
  if (memory.resident > job::kExecutorRecycleBytes) return false;
  return options_.memory == nullptr || memory.own <= kMostWhileWanted || !options_.memory->Wanted();
}

void WarmChildren::Keep(std::string_view tenant, std::unique_ptr<Child> child) {
  const Process::Memory memory = child ? child->ReadMemory() : Process::Memory{};
  if (child && !FitForMore(*child, memory)) child.reset();  // before its memory is given back
  const std::lock_guard lock(mutex_);
  busy_ = 0;
  if (child) kept_.push_back({.tenant = std::string(tenant), .child = std::move(child), .bytes = memory.own});
  if (options_.memory != nullptr) options_.memory->Return(options_.holder, IdleBytes());
}

void WarmChildren::Retire() {
  std::vector<Kept> kept;
  std::unique_ptr<Child> spare;
  {
    const std::lock_guard lock(mutex_);
    kept.swap(kept_);
    spare.swap(spare_);
  }
  if (kept.empty() && !spare) return;
  kept.clear();
  spare.reset();
  const std::lock_guard lock(mutex_);
  if (options_.memory != nullptr) options_.memory->Hold(options_.holder, IdleBytes());
}

std::uint64_t WarmChildren::IdleBytes() const {
  const std::uint64_t others = busy_ + (spare_ ? kFreshChildBytes : 0);
  return std::accumulate(kept_.begin(), kept_.end(), others,
                         [](std::uint64_t sum, const Kept& kept) { return sum + kept.bytes; });
}

// Not before the first task: the worker wipes its environment while it has one thread only.
void WarmChildren::Watch() {
  if (options_.memory == nullptr || watcher_.joinable()) return;
  watcher_ = std::jthread([this](const std::stop_token& stop) {
    std::uint32_t seen = 0;
    while (options_.memory->AwaitWanted(stop, seen)) Retire();
  });
}

}  // namespace sandbox
