// EventBridge: events to a bus. Thread-safe; blocks. Errors as Caller::Send.
#pragma once

#include <string>
#include <vector>

#include "aws/batch.h"
#include "aws/call.h"
#include "base/clock.h"

namespace aws {

inline constexpr std::size_t kEventBatch = 10;
inline constexpr std::size_t kEventBytes = 256 * 1024;  // of one request's entries

struct BusEvent {
  std::string source;        // "ubertoons"
  std::string detail_type;   // "JobCompleted"
  std::string detail_json;   // a JSON object
  std::string trace_header;  // X-Ray's; "" for none
};

class EventBridgeClient {
 public:
  explicit EventBridgeClient(Caller& caller) : caller_(caller) {}  // which outlives it

  // At least once each. Answers the ones that failed. bus: name or ARN.
  [[nodiscard]] std::vector<EntryFailure> Put(const std::string& bus, const std::vector<BusEvent>& events,
                                              std::optional<base::SteadyPoint> deadline = {});

 private:
  Caller& caller_;
};

}  // namespace aws
