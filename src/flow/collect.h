// Forgetting: jobs past their retention, and bytes that nothing names any more.
#pragma once

#include <optional>

#include "base/error.h"
#include "flow/context.h"

namespace flow {

class Collect {
 public:
  Collect(Context& context, std::optional<std::chrono::seconds> default_retention)
      : context_(context), default_retention_(default_retention) {}
  struct Swept {
    std::size_t jobs = 0;
    std::size_t blobs = 0;
    std::uint64_t bytes = 0;
  };
  // One round over everything; idempotent, safe beside running work: bytes younger than kGrace, or put again
  // while it looks, are left alone, since their outcome may be about to be recorded; so is a job that is retried.
  [[nodiscard]] base::Result<Swept> Run();

  static constexpr std::chrono::seconds kGrace = std::chrono::hours(1);

 private:
  [[nodiscard]] base::Result<bool> Wanted(const ports::BlobEntry& entry);
  Context& context_;
  std::optional<std::chrono::seconds> default_retention_;
};

}  // namespace flow
