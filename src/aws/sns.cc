#include "aws/sns.h"

#include <fmt/format.h>

#include <charconv>
#include <pugixml.hpp>
#include <string_view>

namespace aws {

namespace {

constexpr std::string_view kWhat = "sns PublishBatch";

std::size_t BytesOf(const TopicEntry& entry) {
  std::size_t bytes = entry.message.size();
  for (const auto& [name, value] : entry.attributes) bytes += name.size() + value.size() + sizeof("String");
  return bytes;
}

void AddEntry(Pairs& form, std::size_t number, std::size_t index, const TopicEntry& entry) {
  const std::string prefix = fmt::format("PublishBatchRequestEntries.member.{}.", number);
  form.emplace_back(prefix + "Id", fmt::to_string(index));
  form.emplace_back(prefix + "Message", entry.message);
  std::size_t attribute = 0;
  for (const auto& [name, value] : entry.attributes) {
    const std::string at = fmt::format("{}MessageAttributes.entry.{}.", prefix, ++attribute);
    form.emplace_back(at + "Name", name);
    form.emplace_back(at + "Value.DataType", "String");
    form.emplace_back(at + "Value.StringValue", value);
  }
}

base::Result<std::vector<EntryFailure>> FailuresOf(const std::string& body) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size())) {
    return base::Fail(base::Code::kUnavailable, fmt::format("{} did not answer XML", kWhat));
  }
  std::vector<EntryFailure> failures;
  const pugi::xml_node failed = document.child("PublishBatchResponse").child("PublishBatchResult").child("Failed");
  for (const pugi::xml_node node : failed.children("member")) {
    EntryFailure failure{.error = EntryError(node.child_value("Code"), node.child_value("Message"), kWhat)};
    const std::string_view id = node.child_value("Id");
    std::from_chars(id.data(), id.data() + id.size(), failure.index);
    // What the service does not blame on us may go well the next time.
    const bool ours = std::string_view(node.child_value("SenderFault")) == "true";
    if (!ours && !base::PolicyOf(failure.error.code).retryable) failure.error.code = base::Code::kUnavailable;
    failures.push_back(std::move(failure));
  }
  return failures;
}

}  // namespace

std::vector<EntryFailure> SnsClient::Publish(const std::string& topic_arn, const std::vector<TopicEntry>& entries,
                                             std::optional<base::SteadyPoint> deadline) {
  const auto send = [&](std::span<const std::size_t> indexes) -> base::Result<std::vector<EntryFailure>> {
    Pairs form{{"Action", "PublishBatch"}, {"Version", "2010-03-31"}, {"TopicArn", topic_arn}};
    std::size_t number = 0;
    for (const std::size_t index : indexes) AddEntry(form, ++number, index, entries[index]);
    const std::string body = CanonicalQuery(form);
    UT_TRY_ASSIGN(const http::ClientResponse response,
                  caller_.Send({.service = Service::kSns,
                                .operation = "PublishBatch",
                                .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
                                .body = body,
                                .deadline = deadline}));
    return FailuresOf(response.body);
  };
  return SendInBatches(caller_, entries.size(),
                       {.service = Service::kSns,
                        .limits = {.entries = kSnsBatch, .bytes = kSnsMessageBytes},
                        .deadline = deadline,
                        .bytes_of = [&](std::size_t i) { return BytesOf(entries[i]); },
                        .send = send});
}

}  // namespace aws
