// SQS queues. Thread-safe; blocks. Errors as Caller::Send.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/batch.h"
#include "aws/call.h"
#include "base/clock.h"
#include "base/error.h"

namespace aws {

inline constexpr std::size_t kSqsBatch = 10;                 // entries of one request
inline constexpr std::size_t kSqsMessageBytes = 256 * 1024;  // of a message, and of a batch; newer queues take 1 MiB
inline constexpr std::chrono::seconds kSqsMaxDelay{900};
inline constexpr std::chrono::seconds kSqsMaxVisibility{43'200};

struct QueueEntry {
  std::string body;
  std::chrono::seconds delay{0};  // up to kSqsMaxDelay
};
struct ReceivedMessage {
  std::string message_id;
  std::string receipt_handle;
  std::string body;
  std::uint32_t receive_count = 1;  // this receive included
  base::TimePoint sent_at{};
};
struct ReceiveOptions {
  std::size_t most = kSqsBatch;
  std::chrono::seconds wait{0};                    // up to 20: a long poll
  std::optional<std::chrono::seconds> visibility;  // absent: the queue's
};

class SqsClient {
 public:
  explicit SqsClient(Caller& caller) : caller_(caller) {}  // which outlives it

  // At least once each: an entry whose answer was lost is sent again. Answers the ones that failed.
  [[nodiscard]] std::vector<EntryFailure> Send(const std::string& queue_url, const std::vector<QueueEntry>& entries,
                                               std::optional<base::SteadyPoint> deadline = {});
  [[nodiscard]] base::Result<std::vector<ReceivedMessage>> Receive(const std::string& queue_url,
                                                                   const ReceiveOptions& options);
  // By receipt handle. A handle that has passed to a later receive is a failure of its entry.
  [[nodiscard]] std::vector<EntryFailure> Delete(const std::string& queue_url,
                                                 const std::vector<std::string>& receipt_handles);
  // From now on; 0 makes it visible at once.
  [[nodiscard]] std::vector<EntryFailure> ChangeVisibility(const std::string& queue_url,
                                                           const std::vector<std::string>& receipt_handles,
                                                           std::chrono::seconds visibility);
  // All of them, by SQS's names ("VisibilityTimeout", "RedrivePolicy").
  [[nodiscard]] base::Result<std::map<std::string, std::string>> Attributes(const std::string& queue_url);

 private:
  using EntryText = std::function<std::string(std::size_t index)>;
  [[nodiscard]] std::vector<EntryFailure> Batch(const std::string& queue_url, std::string_view operation,
                                                std::size_t count, const EntryText& members,
                                                const std::function<std::size_t(std::size_t)>& bytes_of,
                                                std::optional<base::SteadyPoint> deadline);
  Caller& caller_;
};

}  // namespace aws
