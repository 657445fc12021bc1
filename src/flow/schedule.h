// Who is next: fair across tenants, then by priority within a tenant, then fair across its jobs. Pure; not thread-safe.
//
// Fairness is by worker time consumed (start-time fair queueing, Goyal et al. 1996): the tenant that has consumed least
// goes first, and one that was idle starts level with the others instead of collecting credit. Consumption counts in
// steps of kQuantum, so that a worker stays with one tenant for about that long before it changes over.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "job/types.h"

namespace flow {

class FairSchedule {
 public:
  using JobNo = std::uint64_t;
  using Cost = std::chrono::microseconds;
  static constexpr Cost kQuantum = std::chrono::milliseconds(50);
  enum class Has : bool { kNothing, kWork };

  // Higher `priority` first within the tenant; numbers are unique and older jobs have lower ones.
  void Add(JobNo no, const job::TenantId& tenant, std::int32_t priority);
  void Remove(JobNo no);  // absent: nothing happens
  void Set(JobNo no, const job::WorkClass& work_class, Has has);
  // The next job with work of one of these classes.
  [[nodiscard]] std::optional<std::pair<JobNo, job::WorkClass>> Pick(const std::vector<job::WorkClass>& classes) const;
  // The job's work has cost this much more.
  void Charge(JobNo no, Cost cost);

 private:
  struct Tenant;
  struct Job {
    JobNo no = 0;
    Tenant* tenant = nullptr;
    std::int32_t priority = 0;
    Cost spent{0};
    std::set<job::WorkClass> classes;  // it has work of these
  };
  using JobRank = std::tuple<std::int32_t, Cost::rep, JobNo>;  // -priority, quanta spent, number
  struct Tenant {
    job::TenantId id;
    std::uint64_t no = 0;
    Cost spent{0};
    std::size_t jobs = 0;
    std::map<job::WorkClass, std::set<JobRank>> ready;
  };
  using TenantRank = std::tuple<Cost::rep, std::uint64_t>;  // quanta spent, number

  static JobRank RankOf(const Job& job) { return {-job.priority, job.spent / kQuantum, job.no}; }
  static TenantRank RankOf(const Tenant& tenant) { return {tenant.spent / kQuantum, tenant.no}; }
  void Insert(Job& job, const job::WorkClass& work_class);
  void Erase(Job& job, const job::WorkClass& work_class);

  std::map<job::TenantId, Tenant> tenants_;
  std::map<std::uint64_t, Tenant*> by_no_;
  std::map<JobNo, Job> jobs_;
  std::map<job::WorkClass, std::set<TenantRank>> ready_;  // tenants with work, per class
  std::uint64_t next_tenant_ = 1;
  Cost floor_{0};  // what the least served tenant with work has spent; where newcomers start
};

}  // namespace flow
