#include "wire/envelope.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/log.h"

namespace wire {

namespace {

constexpr std::uint64_t kSmallMemberBytes = 4096;  // of members that are one word or a few numbers
constexpr std::size_t kMaxKeyInPointer = 128;
constexpr std::int64_t kLeastRetentionSeconds = 60;
// A hundred years: later ends would leave the range of times.
constexpr std::int64_t kMostRetentionSeconds = 100LL * 365 * 24 * 3600;

constexpr std::string_view kMetadataLimit = "max_metadata_bytes";
constexpr std::string_view kOperationsLimit = "max_operations_bytes";

}  // namespace

struct EnvelopeReader::Member {
  std::string_view key;
  std::string_view limit;  // the name of its bound; "" for a small member
  Reading read;            // nullptr: the toons, which are read elsewhere
};

const EnvelopeReader::Member EnvelopeReader::kMembers[] = {
    {"toons", "", nullptr},
    {"jobId", "", &EnvelopeReader::ReadJobId},
    {"metadata", kMetadataLimit, &EnvelopeReader::ReadMetadata},
    {"operations", kOperationsLimit, &EnvelopeReader::ReadOperations},
    {"reducers", kOperationsLimit, &EnvelopeReader::ReadReducers},
    {"tolerance", "", &EnvelopeReader::ReadTolerance},
    {"priority", "", &EnvelopeReader::ReadPriority},
    {"chunking", "", &EnvelopeReader::ReadChunking},
    {"reuse", "", &EnvelopeReader::ReadReuse},
    {"retentionSeconds", "", &EnvelopeReader::ReadRetention},
    {"manifestUri", "", &EnvelopeReader::ReadManifestUri},
};

const EnvelopeReader::Member* EnvelopeReader::Find(std::string_view key) {
  const auto* found =
      std::find_if(std::begin(kMembers), std::end(kMembers), [&](const Member& m) { return m.key == key; });
  return found == std::end(kMembers) ? nullptr : found;
}

EnvelopeReader::Admission EnvelopeReader::Admit(std::string_view key, FieldErrors& errors) {
  const std::string pointer = "/" + base::PointerToken(key.substr(0, kMaxKeyInPointer));
  const Member* member = Find(key);
  if (member == nullptr) {
    errors.Add(pointer, "an unknown member");
    return Admission::kRefused;
  }
  const std::uint32_t bit = 1U << static_cast<unsigned>(member - kMembers);
  if ((seen_ & bit) != 0) {
    errors.Add(pointer, "a duplicate key");
    return Admission::kRefused;
  }
  seen_ |= bit;
  if (member->read != nullptr) return Admission::kValue;
  envelope_.has_toons = true;
  return Admission::kToons;
}

EnvelopeReader::Bound EnvelopeReader::BoundOf(std::string_view key) const {
  const Member* member = Find(key);
  if (member == nullptr || member->limit.empty()) return {.bytes = kSmallMemberBytes, .name = ""};
  const job::Limits& limits = *rules_.limits;
  return {.bytes = member->limit == kMetadataLimit ? limits.max_metadata_bytes : limits.max_operations_bytes,
          .name = member->limit};
}

void EnvelopeReader::Read(std::string_view key, std::string_view text, FieldErrors& errors) {
  const Member* member = Find(key);
  if (member == nullptr || member->read == nullptr) return;
  auto element = parser_.Parse(text, fmt::format("/{}", key), StrictParser::Padding::kPresent);
  if (!element) {
    for (base::FieldError& field : element.error().fields)
      errors.Add(std::move(field.pointer), std::move(field.detail));
    if (element.error().fields.empty()) errors.Add(fmt::format("/{}", key), element.error().message);
    return;
  }
  (this->*member->read)(*element, text, errors);
}

void EnvelopeReader::Check(job::Position toon_count, FieldErrors& errors) const {
  if (envelope_.has_toons && has_manifest_uri_) errors.Add("/manifestUri", "must not stand beside toons");
  if (!envelope_.has_toons && !has_manifest_uri_) errors.Add("/toons", "is required, unless there is a manifestUri");
  if (envelope_.has_toons && toon_count == 0) errors.Add("/toons", "must hold at least one toon");
}

void EnvelopeReader::ReadJobId(const Element& value, std::string_view, FieldErrors& errors) {
  std::string_view id;
  if (value.get(id) != simdjson::SUCCESS) return errors.Add("/jobId", "must be a string");
  if (auto why = RefuseJobId(id)) return errors.Add("/jobId", std::move(*why));
  envelope_.job_id = job::JobId(id);
}

void EnvelopeReader::ReadMetadata(const Element& value, std::string_view text, FieldErrors& errors) {
  if (!value.is_object()) return errors.Add("/metadata", "must be an object");
  envelope_.metadata_json = text;
}

void EnvelopeReader::ReadOperations(const Element& value, std::string_view text, FieldErrors& errors) {
  Object object;
  if (value.get(object) != simdjson::SUCCESS) return errors.Add("/operations", "must be an object");
  for (const auto field : object) {
    const std::string pointer = "/operations/" + base::PointerToken(field.key);
    Array array;
    if (!rules_.catalog->KnowsType(field.key)) {
      errors.Add(pointer, "an unknown type");
    } else if (field.value.get(array) != simdjson::SUCCESS) {
      errors.Add(pointer, "must be an array");
    } else {
      (void)DecodeOperations(array, field.key, pointer, *rules_.catalog, errors);
    }
  }
  envelope_.operations_json = text;
}

void EnvelopeReader::ReadReducers(const Element& value, std::string_view, FieldErrors& errors) {
  Array array;
  if (value.get(array) != simdjson::SUCCESS) return errors.Add("/reducers", "must be an array");
  if (array.size() > job::kMaxReducers) {
    return errors.Add("/reducers", fmt::format("more than {} reducers", job::kMaxReducers));
  }
  std::size_t index = 0;
  for (const Element element : array) ReadReducer(element, fmt::format("/reducers/{}", index++), errors);
}

// "name", or {"name":"name", …params}.
void EnvelopeReader::ReadReducer(const Element& value, std::string_view pointer, FieldErrors& errors) {
  std::string_view name;
  std::string params = "{";
  Object object;
  std::string name_pointer(pointer);
  if (value.get(object) == simdjson::SUCCESS) {
    name_pointer += "/name";
    if (object.at_key("name").get(name) != simdjson::SUCCESS)
      return errors.Add(name_pointer, "must be a reducer's name");
    for (const auto field : object) {
      if (field.key == "name") continue;
      if (params.size() > 1) params += ',';
      base::AppendJsonString(params, field.key);
      params += ':';
      params += Minify(field.value);
    }
  } else if (value.get(name) != simdjson::SUCCESS) {
    return errors.Add(name_pointer, "must be a reducer's name, or an object with it");
  }
  params += '}';
  const ports::Reducer* reducer = rules_.reducers->Find(name);
  if (reducer == nullptr) return errors.Add(name_pointer, "an unknown reducer");
  const auto same = [&](const job::ReducerSpec& spec) { return spec.name == name; };
  if (std::any_of(envelope_.reducers.begin(), envelope_.reducers.end(), same)) {
    return errors.Add(name_pointer, "is the name of an earlier reducer");
  }
  for (base::FieldError& bad : reducer->CheckParams(params)) {
    errors.Add(std::string(pointer) + bad.pointer, std::move(bad.detail));
  }
  envelope_.reducers.push_back({.name = std::string(name), .params_json = std::move(params)});
}

void EnvelopeReader::ReadTolerance(const Element& value, std::string_view, FieldErrors& errors) {
  Object object;
  if (value.get(object) != simdjson::SUCCESS) return errors.Add("/tolerance", "must be an object");
  for (const auto field : object) {
    if (field.key == "failedPercent") {
      double percent = -1;
      if (field.value.get(percent) != simdjson::SUCCESS || percent < 0 || percent > 100) {
        errors.Add("/tolerance/failedPercent", "must be a number from 0 to 100");
      }
      envelope_.tolerance.failed_percent = percent;
    } else if (field.key == "failedCount") {
      std::uint64_t count = 0;
      if (field.value.get(count) != simdjson::SUCCESS) {
        errors.Add("/tolerance/failedCount", "must be a whole number, not negative");
      }
      envelope_.tolerance.failed_count = count;
    } else {
      errors.Add("/tolerance/" + base::PointerToken(field.key), "an unknown member");
    }
  }
}

void EnvelopeReader::ReadPriority(const Element& value, std::string_view, FieldErrors& errors) {
  std::int64_t priority = 0;
  if (value.get(priority) != simdjson::SUCCESS || priority < -job::kMaxPriority || priority > job::kMaxPriority) {
    return errors.Add("/priority", fmt::format("must be a whole number from -{0} to {0}", job::kMaxPriority));
  }
  envelope_.priority = static_cast<std::int32_t>(priority);
}

void EnvelopeReader::ReadChunking(const Element& value, std::string_view, FieldErrors& errors) {
  std::string_view word;
  if (value.get(word) != simdjson::SUCCESS || (word != "auto" && word != "per-toon")) {
    return errors.Add("/chunking", "must be \"auto\" or \"per-toon\"");
  }
  envelope_.chunking = word == "auto" ? job::Chunking::kAuto : job::Chunking::kPerToon;
}

void EnvelopeReader::ReadReuse(const Element& value, std::string_view, FieldErrors& errors) {
  bool reuse = false;
  if (value.get(reuse) != simdjson::SUCCESS) return errors.Add("/reuse", "must be true or false");
  envelope_.reuse = reuse ? job::ReusePolicy::kAlways : job::ReusePolicy::kNever;
}

void EnvelopeReader::ReadRetention(const Element& value, std::string_view, FieldErrors& errors) {
  std::int64_t seconds = 0;
  if (value.get(seconds) != simdjson::SUCCESS || seconds < kLeastRetentionSeconds || seconds > kMostRetentionSeconds) {
    return errors.Add("/retentionSeconds", fmt::format("must be a whole number from {} to {}", kLeastRetentionSeconds,
                                                       kMostRetentionSeconds));
  }
  envelope_.retention = std::chrono::seconds(seconds);
}

void EnvelopeReader::ReadManifestUri(const Element& value, std::string_view, FieldErrors& errors) {
  has_manifest_uri_ = true;
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return errors.Add("/manifestUri", "must be a string");
  const auto uri = ParseUri(text);
  if (!uri || uri->kind != ToonUri::Kind::kUpload) {
    return errors.Add("/manifestUri", "must be upload:// and 64 lower-case hex digits");
  }
  envelope_.manifest_uri = *uri;
}

}  // namespace wire
