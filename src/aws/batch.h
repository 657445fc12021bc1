// Many entries to a service that takes some of them at a time, and refuses some of those: the refused ones are sent
// again while that may help.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "aws/call.h"
#include "base/error.h"
#include "wire/strict_json.h"

namespace aws {

struct BatchLimits {
  std::size_t entries = 10;
  std::size_t bytes = 256 * 1024;  // of one request's entries
};
struct EntryFailure {
  std::size_t index = 0;  // of the entry in the caller's list
  base::Error error;      // kThrottled, kUnavailable: worth another try
};

struct BatchRun {
  Service service = Service::kSqs;
  BatchLimits limits;
  std::optional<base::SteadyPoint> deadline;
  // Bytes that an entry adds to a request.
  std::function<std::size_t(std::size_t index)> bytes_of;
  // Sends these entries at once; answers those that were refused. An Error: the whole request failed.
  std::function<base::Result<std::vector<EntryFailure>>(std::span<const std::size_t> indexes)> send;
};

// Entries 0 to count - 1, in order where nothing is refused. Answers those that failed in the end, by index; what is
// not in it was taken. A failed request is a failure of its entries, and nothing more is sent. kTooLarge for an entry
// that fits no request.
[[nodiscard]] std::vector<EntryFailure> SendInBatches(Caller& caller, std::size_t count, const BatchRun& run);

// The first failure as the error of all, nothing if there is none.
[[nodiscard]] base::Status FirstFailure(const std::vector<EntryFailure>& failures, std::string_view what);
// The failures of a list that answers entry by entry in order, each with an ErrorCode where it was refused.
[[nodiscard]] std::vector<EntryFailure> FailuresByPlace(const wire::Object& root, std::string_view list,
                                                        std::span<const std::size_t> indexes, std::string_view what);
// An entry's error of a service's code.
[[nodiscard]] base::Error EntryError(std::string_view code, std::string_view message, std::string_view what);

}  // namespace aws
