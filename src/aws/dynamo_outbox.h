// ports::Outbox on DynamoDB.
#pragma once

#include "aws/dynamo_rows.h"
#include "ports/job_store.h"

namespace aws {

class DynamoOutbox final : public ports::Outbox {
 public:
  explicit DynamoOutbox(DynamoTable& table) : table_(table) {}  // which outlives it
  [[nodiscard]] base::Result<std::vector<ports::OutboxEvent>> Pending(std::string_view after_id,
                                                                      std::size_t limit) override;
  [[nodiscard]] base::Status Done(std::string_view id) override;

 private:
  DynamoTable& table_;
};

// Adds the rows of these events to a commit. An event without an id gets one of the clock, its place and chance, so
// that ids of one process sort in its order.
void AddEvents(DynamoTable& table, const std::vector<ports::OutboxEvent>& events, std::vector<WriteAction>& actions);

}  // namespace aws
