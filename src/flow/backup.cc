#include "flow/backup.h"

#include <utility>

namespace flow {

base::Result<std::string> Backup::Begin() {
  const std::lock_guard lock(mutex_);
  if (!id_.empty() && clock_.Steady() < until_) {
    return base::Fail(base::Code::kConflict, "another backup of this server is being made", "backup-runs");
  }
  RemoveLapsed();
  // First, so that no blob of the picture is removed after it.
  until_ = clock_.Steady() + kHold;
  collect_.HoldUntil(until_);
  std::string id = random_.Hex(16);
  if (auto made = pictures_.make(id); !made) {
    pictures_.remove(id);
    collect_.HoldUntil(base::SteadyPoint::min());
    return std::unexpected(std::move(made).error());
  }
  id_ = id;
  return id;
}

void Backup::Sweep() {
  const std::lock_guard lock(mutex_);
  RemoveLapsed();
}

void Backup::RemoveLapsed() {
  if (!id_.empty() && clock_.Steady() >= until_) pictures_.remove(std::exchange(id_, {}));
}

base::Status Backup::Find(const std::string& id) const {
  if (!id_.empty() && id == id_ && clock_.Steady() < until_) return {};
  return base::Fail(base::Code::kNotFound, "there is no such backup, or it took too long between two signs of life");
}

base::Status Backup::Renew(const std::string& id) {
  const std::lock_guard lock(mutex_);
  UT_TRY(Find(id));
  until_ = clock_.Steady() + kHold;
  collect_.HoldUntil(until_);
  return {};
}

base::Status Backup::End(const std::string& id) {
  const std::lock_guard lock(mutex_);
  UT_TRY(Find(id));
  pictures_.remove(std::exchange(id_, {}));
  collect_.HoldUntil(base::SteadyPoint::min());
  return {};
}

}  // namespace flow
