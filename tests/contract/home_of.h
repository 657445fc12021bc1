// A home whose store has all ports behind accessors of these names.
#pragma once

#include "contract/homes.h"
#include "fakes/reducers.h"

namespace contract {

template <typename Store>
class HomeOf : public Home {
 public:
  ports::JobStore& jobs() override { return store().jobs(); }
  ports::PlanStore& plans() override { return store().plans(); }
  ports::OutcomeStore& outcomes() override { return store().outcomes(); }
  ports::ReferenceStore& references() override { return store().references(); }
  ports::ReuseIndex& reuse() override { return store().reuse(); }
  ports::QuarantineStore& quarantine() override { return store().quarantine(); }
  ports::Outbox& outbox() override { return store().outbox(); }

 protected:
  [[nodiscard]] virtual Store& store() = 0;
  fakes::FakePartialMerger merger_;
};

}  // namespace contract
