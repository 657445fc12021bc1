#include "flow/schedule.h"

#include <algorithm>
#include <utility>

namespace flow {

void FairSchedule::Add(JobNo no, const job::TenantId& tenant, std::int32_t priority) {
  auto [at, created] = tenants_.try_emplace(tenant);
  Tenant& owner = at->second;
  if (created) {
    owner.id = tenant;
    owner.no = next_tenant_++;
    owner.spent = floor_;
    by_no_[owner.no] = &owner;
  }
  owner.jobs += 1;
  jobs_[no] = Job{.no = no, .tenant = &owner, .priority = priority};
}

void FairSchedule::Remove(JobNo no) {
  const auto at = jobs_.find(no);
  if (at == jobs_.end()) return;
  Job& job = at->second;
  for (const job::WorkClass& work_class : std::set<job::WorkClass>(job.classes)) Erase(job, work_class);
  Tenant& owner = *job.tenant;
  jobs_.erase(at);
  owner.jobs -= 1;
  if (owner.jobs > 0) return;
  by_no_.erase(owner.no);
  tenants_.erase(job::TenantId(owner.id));
}

void FairSchedule::Set(JobNo no, const job::WorkClass& work_class, Has has) {
  const auto at = jobs_.find(no);
  if (at == jobs_.end()) return;
  const bool had = at->second.classes.contains(work_class);
  if (has == Has::kWork && !had) Insert(at->second, work_class);
  if (has == Has::kNothing && had) Erase(at->second, work_class);
}

void FairSchedule::Insert(Job& job, const job::WorkClass& work_class) {
  Tenant& owner = *job.tenant;
  const bool was_idle = std::ranges::all_of(owner.ready, [](const auto& entry) { return entry.second.empty(); });
  if (was_idle) owner.spent = std::max(owner.spent, floor_);
  job.classes.insert(work_class);
  auto& ranks = owner.ready[work_class];
  ranks.insert(RankOf(job));
  if (ranks.size() == 1) ready_[work_class].insert(RankOf(owner));
}

void FairSchedule::Erase(Job& job, const job::WorkClass& work_class) {
  Tenant& owner = *job.tenant;
  auto& ranks = owner.ready[work_class];
  ranks.erase(RankOf(job));
  if (ranks.empty()) ready_[work_class].erase(RankOf(owner));
  job.classes.erase(work_class);
}

std::optional<std::pair<FairSchedule::JobNo, job::WorkClass>> FairSchedule::Pick(
    const std::vector<job::WorkClass>& classes) const {
  const TenantRank* best = nullptr;
  const job::WorkClass* best_class = nullptr;
  for (const job::WorkClass& work_class : classes) {
    const auto at = ready_.find(work_class);
    if (at == ready_.end() || at->second.empty()) continue;
    const TenantRank& first = *at->second.begin();
    if (best == nullptr || first < *best) {
      best = &first;
      best_class = &work_class;
    }
  }
  if (best == nullptr) return std::nullopt;
  const Tenant& tenant = *by_no_.at(std::get<1>(*best));
  return std::pair(std::get<2>(*tenant.ready.at(*best_class).begin()), *best_class);
}

void FairSchedule::Charge(JobNo no, Cost cost) {
  const auto at = jobs_.find(no);
  if (at == jobs_.end()) return;
  Job& job = at->second;
  Tenant& owner = *job.tenant;
  // Ranks are keys: take everything of this tenant out under the old rank, and back in under the new one.
  for (auto& [work_class, ranks] : owner.ready) {
    if (!ranks.empty()) ready_[work_class].erase(RankOf(owner));
    if (job.classes.contains(work_class)) ranks.erase(RankOf(job));
  }
  job.spent += cost;
  owner.spent += cost;
  for (auto& [work_class, ranks] : owner.ready) {
    if (job.classes.contains(work_class)) ranks.insert(RankOf(job));
    if (!ranks.empty()) ready_[work_class].insert(RankOf(owner));
  }
  std::optional<Cost> least;
  for (const auto& [work_class, ranks] : ready_) {
    if (ranks.empty()) continue;
    const Cost spent = by_no_.at(std::get<1>(*ranks.begin()))->spent;
    least = least ? std::min(*least, spent) : spent;
  }
  if (least) floor_ = std::max(floor_, *least);
}

}  // namespace flow
