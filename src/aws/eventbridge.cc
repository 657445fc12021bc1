#include "aws/eventbridge.h"

#include <fmt/format.h>

#include "aws/json_call.h"

namespace aws {

namespace {

std::string EntryJson(const std::string& bus, const BusEvent& event) {
  std::string out = fmt::format(R"({{"EventBusName":{},"Source":{},"DetailType":{},"Detail":{})", Quoted(bus),
                                Quoted(event.source), Quoted(event.detail_type), Quoted(event.detail_json));
  if (!event.trace_header.empty()) out += fmt::format(R"(,"TraceHeader":{})", Quoted(event.trace_header));
  return out + "}";
}

}  // namespace

std::vector<EntryFailure> EventBridgeClient::Put(const std::string& bus, const std::vector<BusEvent>& events,
                                                 std::optional<base::SteadyPoint> deadline) {
  const auto send = [&](std::span<const std::size_t> indexes) -> base::Result<std::vector<EntryFailure>> {
    std::string body = R"({"Entries":[)";
    for (const std::size_t index : indexes) body += (body.ends_with('[') ? "" : ",") + EntryJson(bus, events[index]);
    body += "]}";
    JsonAnswer answer;
    UT_TRY(SendJson(caller_,
                    {.service = Service::kEventBridge, .operation = "PutEvents", .body = body, .deadline = deadline},
                    answer));
    return FailuresByPlace(answer.root(), "Entries", indexes, "eventbridge PutEvents");
  };
  return SendInBatches(caller_, events.size(),
                       {.service = Service::kEventBridge,
                        .limits = {.entries = kEventBatch, .bytes = kEventBytes},
                        .deadline = deadline,
                        // The time, 14 bytes, counts too.
                        .bytes_of =
                            [&](std::size_t i) {
                              return events[i].source.size() + events[i].detail_type.size() +
                                     events[i].detail_json.size() + 14;
                            },
                        .send = send});
}

}  // namespace aws
