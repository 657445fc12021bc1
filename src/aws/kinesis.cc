#include "aws/kinesis.h"

#include <fmt/format.h>

#include "aws/json_call.h"
#include "base/hash.h"

namespace aws {

std::vector<EntryFailure> KinesisClient::Put(const std::string& stream, const std::vector<StreamRecord>& records,
                                             std::optional<base::SteadyPoint> deadline) {
  const auto send = [&](std::span<const std::size_t> indexes) -> base::Result<std::vector<EntryFailure>> {
    std::string body = fmt::format(R"({{"StreamName":{},"Records":[)", Quoted(stream));
    for (const std::size_t index : indexes) {
      body += fmt::format(R"({}{{"Data":"{}","PartitionKey":{}}})", body.ends_with('[') ? "" : ",",
                          base::ToBase64(records[index].data), Quoted(records[index].partition_key));
    }
    body += "]}";
    JsonAnswer answer;
    UT_TRY(SendJson(caller_,
                    {.service = Service::kKinesis, .operation = "PutRecords", .body = body, .deadline = deadline},
                    answer));
    return FailuresByPlace(answer.root(), "Records", indexes, "kinesis PutRecords");
  };
  return SendInBatches(
      caller_, records.size(),
      {.service = Service::kKinesis,
       .limits = {.entries = kKinesisBatch, .bytes = kKinesisBytes},
       .deadline = deadline,
       .bytes_of = [&](std::size_t i) { return records[i].data.size() + records[i].partition_key.size(); },
       .send = send});
}

}  // namespace aws
