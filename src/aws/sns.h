// SNS topics: the fan-out. Thread-safe; blocks. Errors as Caller::Send.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aws/batch.h"
#include "aws/call.h"

namespace aws {

inline constexpr std::size_t kSnsBatch = 10;
inline constexpr std::size_t kSnsMessageBytes = 256 * 1024;  // of a message with its attributes, and of a batch

struct TopicEntry {
  std::string message;
  std::map<std::string, std::string> attributes;  // strings, for filter policies
};

class SnsClient {
 public:
  explicit SnsClient(Caller& caller) : caller_(caller) {}  // which outlives it

  // At least once each. Answers the ones that failed.
  [[nodiscard]] std::vector<EntryFailure> Publish(const std::string& topic_arn, const std::vector<TopicEntry>& entries,
                                                  std::optional<base::SteadyPoint> deadline = {});

 private:
  Caller& caller_;
};

}  // namespace aws
