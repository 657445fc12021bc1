#include "aws/sqs.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "aws/json_call.h"

namespace aws {

namespace {

std::int64_t NumberOf(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Entries are named by their place in the caller's list.
std::vector<EntryFailure> FailuresOf(const JsonAnswer& answer, std::string_view what) {
  std::vector<EntryFailure> failures;
  const auto failed = JsonAnswer::List(answer.root(), "Failed");
  if (!failed) return failures;
  for (const wire::Element element : *failed) {
    wire::Object entry;
    if (element.get(entry) != simdjson::SUCCESS) continue;
    base::Error error = EntryError(JsonAnswer::Text(entry, "Code"), JsonAnswer::Text(entry, "Message"), what);
    // What the service does not blame on us may go well the next time.
    if (!JsonAnswer::True(entry, "SenderFault") && !base::PolicyOf(error.code).retryable) {
      error.code = base::Code::kUnavailable;
    }
    failures.push_back(
        {.index = static_cast<std::size_t>(NumberOf(JsonAnswer::Text(entry, "Id"))), .error = std::move(error)});
  }
  return failures;
}

ReceivedMessage MessageOf(const wire::Object& object) {
  ReceivedMessage message{.message_id = JsonAnswer::Text(object, "MessageId"),
                          .receipt_handle = JsonAnswer::Text(object, "ReceiptHandle"),
                          .body = JsonAnswer::Text(object, "Body")};
  if (const auto attributes = JsonAnswer::Member(object, "Attributes")) {
    const std::int64_t count = NumberOf(JsonAnswer::Text(*attributes, "ApproximateReceiveCount"));
    message.receive_count = static_cast<std::uint32_t>(std::max<std::int64_t>(count, 1));
    message.sent_at = base::FromUnixMicros(NumberOf(JsonAnswer::Text(*attributes, "SentTimestamp")) * 1000);
  }
  return message;
}

}  // namespace

std::vector<EntryFailure> SqsClient::Batch(const std::string& queue_url, std::string_view operation, std::size_t count,
                                           const EntryText& members,
                                           const std::function<std::size_t(std::size_t)>& bytes_of,
                                           std::optional<base::SteadyPoint> deadline) {
  const auto send = [&](std::span<const std::size_t> indexes) -> base::Result<std::vector<EntryFailure>> {
    std::string body = fmt::format(R"({{"QueueUrl":{},"Entries":[)", Quoted(queue_url));
    for (const std::size_t index : indexes) {
      body += fmt::format(R"({}{{"Id":"{}",{}}})", body.ends_with('[') ? "" : ",", index, members(index));
    }
    body += "]}";
    JsonAnswer answer;
    UT_TRY(SendJson(caller_, {.service = Service::kSqs, .operation = operation, .body = body, .deadline = deadline},
                    answer));
    return FailuresOf(answer, fmt::format("sqs {}", operation));
  };
  return SendInBatches(caller_, count,
                       {.service = Service::kSqs,
                        .limits = {.entries = kSqsBatch, .bytes = kSqsMessageBytes},
                        .deadline = deadline,
                        .bytes_of = bytes_of,
                        .send = send});
}

std::vector<EntryFailure> SqsClient::Send(const std::string& queue_url, const std::vector<QueueEntry>& entries,
                                          std::optional<base::SteadyPoint> deadline) {
  return Batch(
      queue_url, "SendMessageBatch", entries.size(),
      [&](std::size_t i) {
        return fmt::format(R"("MessageBody":{},"DelaySeconds":{})", Quoted(entries[i].body), entries[i].delay.count());
      },
      [&](std::size_t i) { return entries[i].body.size(); }, deadline);
}

base::Result<std::vector<ReceivedMessage>> SqsClient::Receive(const std::string& queue_url,
                                                              const ReceiveOptions& options) {
  const std::string visibility =
      options.visibility ? fmt::format(R"(,"VisibilityTimeout":{})", options.visibility->count()) : "";
  const std::string body = fmt::format(
      R"({{"QueueUrl":{},"MaxNumberOfMessages":{},"WaitTimeSeconds":{},"MessageSystemAttributeNames":["All"]{}}})",
      Quoted(queue_url), options.most, options.wait.count(), visibility);
  JsonAnswer answer;
  UT_TRY(SendJson(caller_,
                  {.service = Service::kSqs, .operation = "ReceiveMessage", .body = body, .extra_time = options.wait},
                  answer));
  std::vector<ReceivedMessage> messages;
  const auto list = JsonAnswer::List(answer.root(), "Messages");
  if (!list) return messages;
  for (const wire::Element element : *list) {
    wire::Object object;
    if (element.get(object) == simdjson::SUCCESS) messages.push_back(MessageOf(object));
  }
  return messages;
}

std::vector<EntryFailure> SqsClient::Delete(const std::string& queue_url,
                                            const std::vector<std::string>& receipt_handles) {
  return Batch(
      queue_url, "DeleteMessageBatch", receipt_handles.size(),
      [&](std::size_t i) { return fmt::format(R"("ReceiptHandle":{})", Quoted(receipt_handles[i])); },
      [&](std::size_t i) { return receipt_handles[i].size(); }, std::nullopt);
}

std::vector<EntryFailure> SqsClient::ChangeVisibility(const std::string& queue_url,
                                                      const std::vector<std::string>& receipt_handles,
                                                      std::chrono::seconds visibility) {
  return Batch(
      queue_url, "ChangeMessageVisibilityBatch", receipt_handles.size(),
      [&](std::size_t i) {
        return fmt::format(R"("ReceiptHandle":{},"VisibilityTimeout":{})", Quoted(receipt_handles[i]),
                           visibility.count());
      },
      [&](std::size_t i) { return receipt_handles[i].size(); }, std::nullopt);
}

base::Result<std::map<std::string, std::string>> SqsClient::Attributes(const std::string& queue_url) {
  const std::string body = fmt::format(R"({{"QueueUrl":{},"AttributeNames":["All"]}})", Quoted(queue_url));
  JsonAnswer answer;
  UT_TRY(SendJson(caller_, {.service = Service::kSqs, .operation = "GetQueueAttributes", .body = body}, answer));
  std::map<std::string, std::string> attributes;
  const auto object = JsonAnswer::Member(answer.root(), "Attributes");
  if (!object) return attributes;
  for (const auto& [key, value] : *object) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) attributes.emplace(key, text);
  }
  return attributes;
}

}  // namespace aws
