// Messages between the flow and its workers. A chunk is the JSON body of an SQS-shaped record
// (docs/formats/chunk.md); an answer is bytes of our own (docs/formats/answer.md), since results dominate it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "job/limits.h"
#include "ports/processor.h"
#include "ports/work.h"

namespace wire {

[[nodiscard]] std::string EncodeChunk(const ports::Chunk& chunk);
[[nodiscard]] base::Result<ports::Chunk> DecodeChunk(std::string_view json);

struct Record {
  std::string message_id;
  std::string body;
  std::uint32_t receive_count = 1;  // "ApproximateReceiveCount": more than 1 means that an earlier receiver died
  base::TimePoint sent_at{};        // "SentTimestamp", milliseconds
};
// {"Records":[{"messageId":…,"receiptHandle":…,"body":…,"attributes":{…},"messageAttributes":{},"md5OfBody":…,
//   "eventSource":"aws:sqs","eventSourceARN":…,"awsRegion":…}]} as SQS gives it to Lambda.
[[nodiscard]] std::string EncodeEvent(const std::vector<Record>& records, std::string_view source_arn);
[[nodiscard]] base::Result<std::vector<Record>> DecodeEvent(std::string_view json);

inline constexpr std::string_view kAnswerContentType = "application/vnd.ubertoons.answer";

struct RecordAnswer {
  std::string message_id;
  bool failed = false;  // a batchItemFailure: the platform failed, the chunk is to be tried again
  std::string failure;  // why
  ports::ChunkAnswer answer;
  bool operator==(const RecordAnswer&) const = default;
};
[[nodiscard]] std::string EncodeAnswers(const std::vector<RecordAnswer>& answers);
[[nodiscard]] base::Result<std::vector<RecordAnswer>> DecodeAnswers(std::string_view bytes);

// ---- custom processors: any Lambda runtime, one toon a record (docs/formats/custom-processor.md) ----------------

struct CustomRecord {
  std::string job_id;
  std::string toon_id;
  std::string type;
  std::uint32_t attempt = 1;
  std::string traceparent;
  std::string metadata_json = "{}";
  std::vector<ports::Operation> operations;
  ports::SourceForm form = ports::SourceForm::kBytes;
  std::string bytes;    // inline ("data" in base64, "text" or "json")
  std::string get_url;  // instead of bytes when they are large
  std::string put_url;  // where large artifacts may be put: answers {"sha256","bytes"}
};
[[nodiscard]] std::string EncodeCustomRecord(const CustomRecord& record);

// {"outcomes":[{"messageId","result":{…},"artifacts":[{"name","contentType","data"|"sha256"+"bytes"}],
//   "error":{"code","message","retryable"}?}],"batchItemFailures":[{"itemIdentifier"}]}
struct CustomArtifact {
  ports::ArtifactBytes inline_bytes;    // when `stored` is absent
  std::optional<job::Artifact> stored;  // put by URL before
};
struct CustomOutcome {
  std::string message_id;
  std::string result_json = "{}";
  std::vector<CustomArtifact> artifacts;
  std::optional<ports::ProcessorFailure> failure;
};
struct CustomAnswer {
  std::vector<CustomOutcome> outcomes;
  std::vector<std::string> failed_message_ids;
};
// kInvalid with pointers when a processor answers something else.
[[nodiscard]] base::Result<CustomAnswer> DecodeCustomAnswer(std::string_view json);

}  // namespace wire
