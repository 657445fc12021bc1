#include "wire/chunk_codec.h"

#include <fmt/format.h>

#include <iterator>

#include "base/hash.h"
#include "base/log.h"
#include "wire/json_reader.h"
#include "wire/json_text.h"

namespace wire {

namespace {

constexpr std::uint64_t kChunkVersion = 1;

void AppendKey(std::string& out, std::string_view key) {
  if (out.back() != '{') out += ',';
  out += '"';
  out += key;
  out += "\":";
}
void AppendText(std::string& out, std::string_view key, std::string_view text) {
  AppendKey(out, key);
  base::AppendJsonString(out, text);
}
void AppendUnsigned(std::string& out, std::string_view key, std::uint64_t value) {
  AppendKey(out, key);
  fmt::format_to(std::back_inserter(out), "{}", value);
}
void AppendRaw(std::string& out, std::string_view key, std::string_view json) {
  AppendKey(out, key);
  out += json;
}

void AppendSegment(std::string& out, const job::Segment& segment) {
  AppendKey(out, "segment");
  out += '{';
  AppendUnsigned(out, "first", segment.first);
  AppendUnsigned(out, "count", segment.count);
  AppendUnsigned(out, "offset", segment.offset);
  AppendUnsigned(out, "length", segment.length);
  AppendText(out, "class", segment.work_class);
  out += '}';
}

void AppendProcess(std::string& out, const ports::Chunk& chunk) {
  AppendText(out, "manifest", chunk.manifest_blob);
  AppendSegment(out, chunk.segment);
  AppendRaw(out, "only", fmt::format("[{}]", fmt::join(chunk.only, ",")));
  AppendUnsigned(out, "attempt", chunk.attempt);
  if (chunk.after_death) AppendRaw(out, "afterDeath", "true");
  AppendRaw(out, "operations", chunk.operations_json);
  AppendKey(out, "reducers");
  out += '[';
  for (const std::string& name : chunk.reducers) {
    if (out.back() != '[') out += ',';
    base::AppendJsonString(out, name);
  }
  out += ']';
  AppendRaw(out, "reuseKeys", chunk.reuse_keys ? "true" : "false");
}

void AppendReduce(std::string& out, const ports::Chunk& chunk) {
  AppendText(out, "reducer", chunk.reducer);
  AppendRaw(out, "params", chunk.params_json);
  AppendText(out, "partial", base::ToBase64(chunk.partial));
  AppendUnsigned(out, "toonCount", chunk.toon_count);
  AppendUnsigned(out, "succeeded", chunk.succeeded);
  AppendUnsigned(out, "failed", chunk.failed);
}

// The text of an object member as it stands, so that a chunk comes out as it went in.
std::string ObjectText(ObjectReader& in, const Object& object, std::string_view json, std::string_view key) {
  if (!in.Optional<Object>(key, "must be an object")) {
    if (!in.Find(key)) in.Refuse(key, "is required");
    return "{}";
  }
  std::size_t index = 0;
  for (const auto field : object) {
    if (field.key == key) break;
    ++index;
  }
  return std::string(MemberText(json, index, object.size()));
}

job::Segment ReadSegment(ObjectReader& in, FieldErrors& errors) {
  job::Segment segment;
  const auto object = in.Optional<Object>("segment", "must be an object");
  if (!object) {
    if (!in.Find("segment")) in.Refuse("segment", "is required");
    return segment;
  }
  ObjectReader part(*object, in.pointer() + "/segment", errors);
  segment.first = part.Unsigned<std::uint64_t>("first");
  segment.count = part.Unsigned<std::uint32_t>("count");
  segment.offset = part.Unsigned<std::uint64_t>("offset");
  segment.length = part.Unsigned<std::uint64_t>("length");
  segment.work_class = part.String("class");
  return segment;
}

std::vector<std::uint32_t> ReadOnly(ObjectReader& in, const job::Segment& segment) {
  std::vector<std::uint32_t> only;
  const auto array = in.Optional<Array>("only", "must be an array");
  if (!array) return only;
  for (const Element element : *array) {
    std::uint64_t value = 0;
    const bool fits = element.get(value) == simdjson::SUCCESS && value < segment.count;
    if (!fits || (!only.empty() && value <= only.back())) {
      in.Refuse("only", "must be ascending and within the segment");
      break;
    }
    only.push_back(static_cast<std::uint32_t>(value));
  }
  return only;
}

std::vector<std::string> ReadNames(ObjectReader& in, std::string_view key) {
  std::vector<std::string> names;
  const auto array = in.Optional<Array>(key, "must be an array");
  if (!array) return names;
  for (const Element element : *array) {
    std::string_view name;
    if (element.get(name) != simdjson::SUCCESS) {
      in.Refuse(key, "must hold strings");
      break;
    }
    names.emplace_back(name);
  }
  return names;
}

void ReadProcess(ObjectReader& in, const Object& object, std::string_view json, FieldErrors& errors,
                 ports::Chunk& chunk) {
  chunk.manifest_blob = in.String("manifest");
  chunk.segment = ReadSegment(in, errors);
  chunk.only = ReadOnly(in, chunk.segment);
  chunk.attempt = in.Unsigned<std::uint32_t>("attempt");
  chunk.after_death = in.Optional<bool>("afterDeath", "must be true or false").value_or(false);
  chunk.operations_json = ObjectText(in, object, json, "operations");
  chunk.reducers = ReadNames(in, "reducers");
  chunk.reuse_keys = in.Optional<bool>("reuseKeys", "must be true or false").value_or(false);
}

void ReadReduce(ObjectReader& in, const Object& object, std::string_view json, ports::Chunk& chunk) {
  chunk.reducer = in.String("reducer");
  chunk.params_json = ObjectText(in, object, json, "params");
  auto partial = base::FromBase64(in.OptionalString("partial").value_or(std::string_view()));
  if (!partial) in.Refuse("partial", "must be base64");
  chunk.partial = std::move(partial).value_or(std::string());
  chunk.toon_count = in.Unsigned<std::uint64_t>("toonCount");
  chunk.succeeded = in.Unsigned<std::uint64_t>("succeeded");
  chunk.failed = in.Unsigned<std::uint64_t>("failed");
}

}  // namespace

std::string EncodeChunk(const ports::Chunk& chunk) {
  const bool reduce = chunk.kind == ports::Chunk::Kind::kReduce;
  std::string out = "{";
  AppendUnsigned(out, "v", kChunkVersion);
  AppendText(out, "kind", reduce ? "reduce" : "process");
  AppendText(out, "tenant", chunk.key.tenant.str());
  AppendText(out, "job", chunk.key.job.str());
  AppendUnsigned(out, "generation", chunk.generation);
  AppendText(out, "class", chunk.work_class);
  AppendText(out, "traceparent", chunk.traceparent);
  if (reduce) {
    AppendReduce(out, chunk);
  } else {
    AppendProcess(out, chunk);
  }
  out += '}';
  return out;
}

base::Result<ports::Chunk> DecodeChunk(std::string_view json) {
  StrictParser parser;
  UT_TRY_ASSIGN(const Element element, parser.Parse(json));
  Object object;
  if (element.get(object) != simdjson::SUCCESS) return base::FailAt("", "a chunk must be an object");
  FieldErrors errors;
  ObjectReader in(object, "", errors);
  // Members of later versions may mean anything, so nothing else is read of them.
  if (in.Unsigned<std::uint64_t>("v") != kChunkVersion) return base::FailAt("/v", "an unknown version of a chunk");
  ports::Chunk chunk;
  const std::string kind = in.String("kind");
  if (kind != "process" && kind != "reduce") in.Refuse("kind", "must be process or reduce");
  chunk.key.tenant = job::TenantId(in.String("tenant"));
  chunk.key.job = job::JobId(in.String("job"));
  chunk.generation = in.Unsigned<std::uint32_t>("generation");
  chunk.work_class = in.String("class");
  chunk.traceparent = in.OptionalString("traceparent").value_or(std::string_view());
  if (kind == "reduce") {
    chunk.kind = ports::Chunk::Kind::kReduce;
    ReadReduce(in, object, json, chunk);
  } else {
    ReadProcess(in, object, json, errors, chunk);
  }
  if (!errors.empty()) return std::unexpected(std::move(errors).ToError("a chunk does not decode"));
  return chunk;
}

}  // namespace wire
