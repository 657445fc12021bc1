#include "flow/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace flow {

base::Status SegmentLines::Load(ports::BlobStore& blobs, std::string_view manifest_blob, const job::Segment& segment) {
  lines_.clear();
  buffer_.reserve(segment.length + simdjson::SIMDJSON_PADDING);
  UT_TRY(blobs.Read(manifest_blob, segment.offset, segment.length, buffer_));
  const std::size_t length = buffer_.size();
  buffer_.resize(length + simdjson::SIMDJSON_PADDING);
  const std::string_view all = std::string_view(buffer_).substr(0, length);
  std::size_t at = 0;
  while (at < length) {
    std::size_t end = all.find('\n', at);
    if (end == std::string_view::npos) end = length;
    std::string_view line = all.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines_.push_back(line);
    at = end + 1;
  }
  if (length != segment.length || lines_.size() != segment.count) {
    return base::Fail(base::Code::kCorrupt,
                      fmt::format("manifest {}: {} lines in {} bytes at {}, the plan says {} in {}", manifest_blob,
                                  lines_.size(), length, segment.offset, segment.count, segment.length));
  }
  return {};
}

base::Result<ToonSource> LoadSource(ports::BlobStore& blobs, const job::TenantId& tenant, const wire::ToonView& toon,
                                    std::string& scratch) {
  using Source = wire::ToonView::Source;
  switch (toon.source) {
    case Source::kText: return ToonSource{.bytes = toon.text, .form = ports::SourceForm::kText};
    case Source::kJson: return ToonSource{.bytes = toon.json_text, .form = ports::SourceForm::kJson};
    case Source::kData: {
      auto decoded = base::FromBase64(toon.data_base64);
      if (!decoded) return base::Fail(base::Code::kInvalid, "data is not base64", "invalid-base64");
      scratch = std::move(*decoded);
      break;
    }
    case Source::kUri: {
      if (!toon.uri) return base::Fail(base::Code::kInvalid, "the uri does not parse", "invalid-uri");
      const std::string key = ports::ContentKey(tenant, toon.uri->sha256);
      UT_TRY_ASSIGN(const auto size, blobs.Size(key));
      if (!size) return base::Fail(base::Code::kInvalid, "the bytes of the uri are gone", "source-gone");
      UT_TRY(blobs.Read(key, 0, *size, scratch));
      break;
    }
  }
  const std::size_t length = scratch.size();
  scratch.resize(length + simdjson::SIMDJSON_PADDING);
  return ToonSource{.bytes = std::string_view(scratch).substr(0, length), .form = ports::SourceForm::kBytes};
}

base::Status OperationDefaults::Load(std::string_view operations_json) {
  by_type_.clear();
  if (operations_json == "{}") return {};
  wire::StrictParser parser;
  const auto corrupt = [&](std::string_view what) {
    return base::Fail(base::Code::kCorrupt, fmt::format("operations of a job do not decode: {}", what));
  };
  const auto element = parser.Parse(operations_json);
  if (!element) return corrupt(element.error().message);
  wire::Object object;
  if (element->get(object) != simdjson::SUCCESS) return corrupt("not an object");
  for (const auto field : object) {
    wire::Array array;
    if (field.value.get(array) != simdjson::SUCCESS) return corrupt("not an array");
    UT_TRY_ASSIGN(auto operations, wire::ReadOperations(array));
    by_type_.emplace_back(std::string(field.key), std::move(operations));
  }
  return {};
}

const std::vector<ports::Operation>& OperationDefaults::For(std::string_view type) const {
  static const std::vector<ports::Operation> kNone;
  const auto found = std::ranges::find_if(by_type_, [&](const auto& entry) { return entry.first == type; });
  return found == by_type_.end() ? kNone : found->second;
}

}  // namespace flow
