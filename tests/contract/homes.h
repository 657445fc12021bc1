// The adapters that the contract suites run over, behind one handle each.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "ports/blob_store.h"
#include "ports/job_store.h"
#include "ports/quarantine.h"

namespace contract {

// A set of job stores; destroyed with everything it kept.
class Home {
 public:
  virtual ~Home() = default;
  [[nodiscard]] virtual ports::JobStore& jobs() = 0;
  [[nodiscard]] virtual ports::PlanStore& plans() = 0;
  [[nodiscard]] virtual ports::OutcomeStore& outcomes() = 0;
  [[nodiscard]] virtual ports::ReferenceStore& references() = 0;
  [[nodiscard]] virtual ports::ReuseIndex& reuse() = 0;
  [[nodiscard]] virtual ports::QuarantineStore& quarantine() = 0;
  [[nodiscard]] virtual ports::Outbox& outbox() = 0;
  // Closes and opens it again, as a restart does; an adapter in memory stays as it is.
  virtual void Reopen() = 0;
};

struct StoreParam {
  const char* name;
  std::unique_ptr<Home> (*make)();
};
inline void PrintTo(const StoreParam& param, std::ostream* out) {
  *out << param.name;
}
// Each program that is built of the suites names its own.
[[nodiscard]] const std::vector<StoreParam>& StoreParams();

class StoreContract : public testing::TestWithParam<StoreParam> {
 protected:
  std::unique_ptr<Home> home = GetParam().make();
};

// Runs a suite, named by its adapter, over all job stores.
#define UT_OVER_ALL_STORES(suite)                                                     \
  INSTANTIATE_TEST_SUITE_P(Stores, suite, testing::ValuesIn(contract::StoreParams()), \
                           [](const testing::TestParamInfo<contract::StoreParam>& info) { return info.param.name; })

}  // namespace contract
