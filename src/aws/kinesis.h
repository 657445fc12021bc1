// Kinesis: records to a stream. Thread-safe; blocks. Errors as Caller::Send.
#pragma once

#include <string>
#include <vector>

#include "aws/batch.h"
#include "aws/call.h"

namespace aws {

inline constexpr std::size_t kKinesisBatch = 500;
inline constexpr std::size_t kKinesisBytes = 5U << 20U;  // of one request, keys included

struct StreamRecord {
  std::string data;
  std::string partition_key;  // 1 to 256 characters
};

class KinesisClient {
 public:
  explicit KinesisClient(Caller& caller) : caller_(caller) {}  // which outlives it

  // At least once each; the order of a key's records is kept only where none is refused. Answers the ones that failed.
  [[nodiscard]] std::vector<EntryFailure> Put(const std::string& stream, const std::vector<StreamRecord>& records,
                                              std::optional<base::SteadyPoint> deadline = {});

 private:
  Caller& caller_;
};

}  // namespace aws
