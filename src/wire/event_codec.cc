// Batches as SQS gives them to Lambda, and the records and answers of custom processors.
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>

#include "base/hash.h"
#include "base/log.h"
#include "wire/chunk_codec.h"
#include "wire/json_reader.h"

namespace wire {

namespace {

// A batch of SQS holds at most this many (its own maximum, with a batching window).
constexpr std::size_t kMaxRecords = 10'000;
constexpr std::size_t kMaxContentTypeBytes = 128;
constexpr std::size_t kMaxErrorCodeBytes = 64;

std::string Md5Hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  // SQS states MD5 of bodies; it guards against accidents only. Absent in FIPS builds: then it is left empty.
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_md5(), nullptr) != 1) return "";
  return base::ToHex(std::string_view(reinterpret_cast<const char*>(digest), size));
}

// "arn:aws:sqs:<region>:<account>:<queue>"
std::string_view RegionOf(std::string_view arn) {
  for (int i = 0; i < 3; ++i) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return "";
    arn.remove_prefix(colon + 1);
  }
  return arn.substr(0, arn.find(':'));
}

void AppendRecord(std::string& out, const Record& record, std::string_view source_arn) {
  const std::int64_t sent_ms = base::UnixMicros(record.sent_at) / 1000;
  out += R"({"messageId":)";
  base::AppendJsonString(out, record.message_id);
  out += R"(,"receiptHandle":)";
  base::AppendJsonString(out, fmt::format("{}#{}", record.message_id, record.receive_count));
  out += R"(,"body":)";
  base::AppendJsonString(out, record.body);
  fmt::format_to(std::back_inserter(out),
                 R"(,"attributes":{{"ApproximateReceiveCount":"{}","SentTimestamp":"{}","SenderId":"ubertoons",)"
                 R"("ApproximateFirstReceiveTimestamp":"{}"}},"messageAttributes":{{}},"md5OfBody":"{}",)"
                 R"("eventSource":"aws:sqs","eventSourceARN":)",
                 record.receive_count, sent_ms, sent_ms, Md5Hex(record.body));
  base::AppendJsonString(out, source_arn);
  out += R"(,"awsRegion":)";
  base::AppendJsonString(out, RegionOf(source_arn));
  out += '}';
}

// SQS writes its numbers as strings.
template <typename Int>
Int NumberOf(std::string_view text, Int otherwise) {
  Int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

Record ReadRecord(ObjectReader& in, FieldErrors& errors) {
  Record record;
  record.message_id = in.String("messageId");
  if (record.message_id.empty() && in.Find("messageId")) in.Refuse("messageId", "must not be empty");
  record.body = in.String("body");
  if (const auto attributes = in.Optional<Object>("attributes", "must be an object")) {
    ObjectReader part(*attributes, in.pointer() + "/attributes", errors);
    record.receive_count = NumberOf<std::uint32_t>(part.OptionalString("ApproximateReceiveCount").value_or("1"), 1);
    const auto sent_ms = NumberOf<std::int64_t>(part.OptionalString("SentTimestamp").value_or("0"), 0);
    constexpr std::int64_t kMaxMillis = INT64_MAX / 1000;
    record.sent_at = base::FromUnixMicros(std::clamp<std::int64_t>(sent_ms, 0, kMaxMillis) * 1000);
  }
  return record;
}

// ---- custom processors --------------------------------------------------------------------------------------------

void RefuseUnknown(ObjectReader& in, const Object& object, std::initializer_list<std::string_view> known) {
  for (const auto field : object) {
    if (std::find(known.begin(), known.end(), field.key) == known.end()) {
      in.Refuse(field.key.substr(0, kMaxErrorCodeBytes), "an unknown member");
    }
  }
}

// Names become file names and content types become header lines, so neither may hold what ends or leaves those.
bool IsFileName(std::string_view name) {
  if (name.empty() || name.size() > job::kMaxArtifactNameBytes || name == "." || name == "..") return false;
  return std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '/' || c == '\\';
  });
}
bool IsContentType(std::string_view type) {
  if (type.empty() || type.size() > kMaxContentTypeBytes || type.find('/') == std::string_view::npos) return false;
  return std::all_of(type.begin(), type.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}
bool IsCode(std::string_view code) {
  if (code.empty() || code.size() > kMaxErrorCodeBytes) return false;
  return std::all_of(code.begin(), code.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

CustomArtifact ReadArtifact(ObjectReader& in, const Object& object) {
  RefuseUnknown(in, object, {"name", "contentType", "data", "sha256", "bytes"});
  CustomArtifact artifact;
  const std::string name = in.String("name");
  if (!IsFileName(name)) in.Refuse("name", "must be a file name of at most 128 bytes");
  const std::string content_type = in.String("contentType");
  if (!IsContentType(content_type)) in.Refuse("contentType", "must be a media type of at most 128 bytes");
  if (const auto data = in.OptionalString("data")) {
    if (in.Find("sha256") || in.Find("bytes")) in.Refuse("data", "must not stand beside sha256 and bytes");
    auto bytes = base::FromBase64(*data);
    if (!bytes) in.Refuse("data", "must be base64 with padding");
    artifact.inline_bytes = {name, content_type, std::move(bytes).value_or(std::string())};
    return artifact;
  }
  job::Artifact stored{.name = name, .content_type = content_type};
  stored.bytes = in.Unsigned<std::uint64_t>("bytes");
  const auto sha256 = base::Sha256FromHex(in.String("sha256"));
  if (!sha256) in.Refuse("sha256", "must be 64 hex digits");
  stored.sha256 = sha256.value_or(base::Sha256());
  artifact.stored = std::move(stored);
  return artifact;
}

void ReadArtifacts(ObjectReader& in, FieldErrors& errors, std::vector<CustomArtifact>& artifacts) {
  const auto array = in.Optional<Array>("artifacts", "must be an array");
  if (!array) return;
  if (array->size() > job::kMaxArtifactsPerToon) {
    return in.Refuse("artifacts", fmt::format("more than {} artifacts", job::kMaxArtifactsPerToon));
  }
  std::set<std::string> names;
  std::size_t index = 0;
  for (const Element element : *array) {
    const std::string here = fmt::format("{}/artifacts/{}", in.pointer(), index++);
    Object object;
    if (element.get(object) != simdjson::SUCCESS) {
      errors.Add(here, "must be an object");
      continue;
    }
    ObjectReader part(object, here, errors);
    CustomArtifact artifact = ReadArtifact(part, object);
    const std::string& name = artifact.stored ? artifact.stored->name : artifact.inline_bytes.name;
    if (!names.insert(name).second) part.Refuse("name", "is the name of an earlier artifact");
    artifacts.push_back(std::move(artifact));
  }
}

void ReadFailure(ObjectReader& in, FieldErrors& errors, const Object& object, CustomOutcome& outcome) {
  ObjectReader part(object, in.pointer() + "/error", errors);
  RefuseUnknown(part, object, {"code", "message", "retryable"});
  ports::ProcessorFailure failure;
  failure.error.code = part.String("code");
  if (!IsCode(failure.error.code)) part.Refuse("code", "must be a word of a-z 0-9 - of at most 64 bytes");
  failure.error.message = part.String("message");
  if (failure.error.message.size() > job::kMaxErrorMessageBytes) {
    part.Refuse("message", fmt::format("longer than {} bytes", job::kMaxErrorMessageBytes));
  }
  if (part.Optional<bool>("retryable", "must be true or false").value_or(false))
    failure.blame = ports::Blame::kResource;
  outcome.failure = std::move(failure);
}

CustomOutcome ReadOutcome(ObjectReader& in, const Object& object, FieldErrors& errors) {
  RefuseUnknown(in, object, {"messageId", "result", "artifacts", "error"});
  CustomOutcome outcome;
  outcome.message_id = in.String("messageId");
  if (const auto error = in.Optional<Object>("error", "must be an object")) {
    if (in.Find("result") || in.Find("artifacts")) in.Refuse("error", "must not stand beside result or artifacts");
    ReadFailure(in, errors, *error, outcome);
    return outcome;
  }
  if (in.Find("error")) return outcome;  // refused above
  const auto result = in.Find("result");
  if (!result) {
    in.Refuse("result", "is required where there is no error");
  } else if (!result->is_object()) {
    in.Refuse("result", "must be an object");
  } else {
    outcome.result_json = Minify(*result);
    if (outcome.result_json.size() > job::kMaxResultBytes) {
      in.Refuse("result", fmt::format("longer than {} bytes", job::kMaxResultBytes));
    }
  }
  ReadArtifacts(in, errors, outcome.artifacts);
  return outcome;
}

void ReadOutcomes(ObjectReader& in, FieldErrors& errors, std::set<std::string>& ids, CustomAnswer& answer) {
  const auto array = in.Optional<Array>("outcomes", "must be an array");
  if (!array) return;
  std::size_t index = 0;
  for (const Element element : *array) {
    const std::string here = fmt::format("/outcomes/{}", index++);
    Object object;
    if (element.get(object) != simdjson::SUCCESS) {
      errors.Add(here, "must be an object");
      continue;
    }
    ObjectReader part(object, here, errors);
    CustomOutcome outcome = ReadOutcome(part, object, errors);
    if (!ids.insert(outcome.message_id).second) part.Refuse("messageId", "has an outcome already");
    answer.outcomes.push_back(std::move(outcome));
    if (errors.full()) return;
  }
}

void ReadFailures(ObjectReader& in, FieldErrors& errors, std::set<std::string>& ids, CustomAnswer& answer) {
  const auto array = in.Optional<Array>("batchItemFailures", "must be an array");
  if (!array) return;
  std::size_t index = 0;
  for (const Element element : *array) {
    const std::string here = fmt::format("/batchItemFailures/{}", index++);
    Object object;
    if (element.get(object) != simdjson::SUCCESS) {
      errors.Add(here, "must be an object");
      continue;
    }
    ObjectReader part(object, here, errors);
    std::string id = part.String("itemIdentifier");
    if (!ids.insert(id).second) part.Refuse("itemIdentifier", "has an outcome already");
    answer.failed_message_ids.push_back(std::move(id));
  }
}

void AppendOperations(std::string& out, const std::vector<ports::Operation>& operations) {
  out += ",\"operations\":[";
  for (const ports::Operation& operation : operations) {
    if (out.back() != '[') out += ',';
    out += "{\"op\":";
    base::AppendJsonString(out, operation.name);
    if (operation.params_json.size() > 2) {
      out += ',';
      out.append(operation.params_json, 1);  // past its {
    } else {
      out += '}';
    }
  }
  out += ']';
}

}  // namespace

std::string EncodeEvent(const std::vector<Record>& records, std::string_view source_arn) {
  std::string out = "{\"Records\":[";
  for (const Record& record : records) {
    if (out.back() != '[') out += ',';
    AppendRecord(out, record, source_arn);
  }
  out += "]}";
  return out;
}

base::Result<std::vector<Record>> DecodeEvent(std::string_view json) {
  StrictParser parser;
  UT_TRY_ASSIGN(const Element element, parser.Parse(json));
  Object object;
  Array array;
  if (element.get(object) != simdjson::SUCCESS || object.at_key("Records").get(array) != simdjson::SUCCESS) {
    return base::FailAt("/Records", "must be an array of records");
  }
  FieldErrors errors;
  std::vector<Record> records;
  std::size_t index = 0;
  for (const Element item : array) {
    if (index >= kMaxRecords) return base::FailAt("/Records", "too many records");
    const std::string here = fmt::format("/Records/{}", index++);
    Object record;
    if (item.get(record) != simdjson::SUCCESS) {
      errors.Add(here, "must be an object");
      continue;
    }
    ObjectReader in(record, here, errors);
    records.push_back(ReadRecord(in, errors));
  }
  if (!errors.empty()) return std::unexpected(std::move(errors).ToError("an event does not decode"));
  return records;
}

std::string EncodeCustomRecord(const CustomRecord& record) {
  std::string out = "{\"jobId\":";
  base::AppendJsonString(out, record.job_id);
  out += ",\"toonId\":";
  base::AppendJsonString(out, record.toon_id);
  out += ",\"type\":";
  base::AppendJsonString(out, record.type);
  fmt::format_to(std::back_inserter(out), ",\"attempt\":{},\"traceparent\":", record.attempt);
  base::AppendJsonString(out, record.traceparent);
  out += ",\"metadata\":";
  out += record.metadata_json;
  AppendOperations(out, record.operations);
  if (!record.get_url.empty()) {
    static constexpr std::string_view kForms[] = {"data", "text", "json"};
    out += ",\"getUrl\":";
    base::AppendJsonString(out, record.get_url);
    fmt::format_to(std::back_inserter(out), ",\"form\":\"{}\"", kForms[static_cast<std::size_t>(record.form)]);
  } else if (record.form == ports::SourceForm::kJson) {
    out += ",\"json\":";
    out += record.bytes;
  } else if (record.form == ports::SourceForm::kText) {
    out += ",\"text\":";
    base::AppendJsonString(out, record.bytes);
  } else {
    out += ",\"data\":\"";
    out += base::ToBase64(record.bytes);
    out += '"';
  }
  if (!record.put_url.empty()) {
    out += ",\"putUrl\":";
    base::AppendJsonString(out, record.put_url);
  }
  out += '}';
  return out;
}

base::Result<CustomAnswer> DecodeCustomAnswer(std::string_view json) {
  StrictParser parser;
  UT_TRY_ASSIGN(const Element element, parser.Parse(json));
  Object object;
  if (element.get(object) != simdjson::SUCCESS) return base::FailAt("", "a processor's answer must be an object");
  FieldErrors errors;
  ObjectReader in(object, "", errors);
  RefuseUnknown(in, object, {"outcomes", "batchItemFailures"});
  CustomAnswer answer;
  std::set<std::string> ids;
  ReadOutcomes(in, errors, ids, answer);
  ReadFailures(in, errors, ids, answer);
  if (!errors.empty()) return std::unexpected(std::move(errors).ToError("a processor's answer does not decode"));
  return answer;
}

}  // namespace wire
