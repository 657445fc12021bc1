#include "aws/dynamo_outbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "wire/row_codec.h"

namespace aws {

namespace {

std::string PartitionOf(std::string_view id) {
  return OutboxPartition(PartOf(id, kOutboxParts));
}

}  // namespace

void AddEvents(DynamoTable& table, const std::vector<ports::OutboxEvent>& events, std::vector<WriteAction>& actions) {
  const std::string now = TimeText(table.Now());
  constexpr std::size_t kChanceBytes = 6;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const std::string id =
        events[i].id.empty() ? fmt::format("{}{:04x}{}", now, i, table.random().Hex(kChanceBytes)) : events[i].id;
    Item item = KeyItem(PartitionOf(id), id);
    item["v"] = BinaryValue(wire::EncodeEvent(events[i]));
    item["send"] = TextValue(events[i].type);  // the stream's filter looks for it
    actions.push_back(table.PutAction(std::move(item)));
  }
}

base::Result<std::vector<ports::OutboxEvent>> DynamoOutbox::Pending(std::string_view after_id, std::size_t limit) {
  std::vector<ports::OutboxEvent> events;
  if (limit == 0) return events;
  for (std::uint32_t part = 0; part < kOutboxParts; ++part) {
    const std::string partition = OutboxPartition(part);
    Query query = after_id.empty() ? table_.All(partition) : table_.After(partition, after_id);
    std::size_t seen = 0;
    UT_TRY(table_.Scan(std::move(query), [&](Item& item) -> base::Result<DynamoTable::Walk> {
      UT_TRY_ASSIGN(const std::string id, TextAt(item, "sk"));
      UT_TRY_ASSIGN(const std::string bytes, BytesAt(item, "v"));
      UT_TRY_ASSIGN(events.emplace_back(), wire::DecodeEvent(id, bytes));
      return ++seen == limit ? DynamoTable::Walk::kStop : DynamoTable::Walk::kOn;
    }));
  }
  std::ranges::sort(events, {}, &ports::OutboxEvent::id);
  if (events.size() > limit) events.erase(events.begin() + static_cast<std::ptrdiff_t>(limit), events.end());
  return events;
}

base::Status DynamoOutbox::Done(std::string_view id) {
  return table_.Delete({KeyItem(PartitionOf(id), id)});
}

}  // namespace aws
