#include "flow/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

std::vector<std::uint64_t> SegmentLines::Ends(const job::Segment& segment) const {
  std::vector<std::uint64_t> ends;
  ends.reserve(lines_.size());
  for (std::size_t i = 1; i < lines_.size(); ++i) ends.push_back(offset_of(i));
  ends.push_back(segment.length);
  return ends;
}

ManifestCursor::ManifestCursor(ports::PlanStore& plans, ports::BlobStore& blobs, job::ManifestRef manifest,
                               job::Generation generation)
    : plans_(plans), blobs_(blobs), manifest_(std::move(manifest)), generation_(generation) {}

base::Result<bool> ManifestCursor::LoadPage(std::uint32_t page) {
  if (page_number_ == page) return true;
  UT_TRY_ASSIGN(auto segments, plans_.ReadPage(manifest_, generation_, page));
  if (!segments) return false;
  page_ = std::move(*segments);
  page_number_ = page;
  at_ = 0;
  return true;
}

base::Result<bool> ManifestCursor::PageStartsAfter(std::uint32_t page, job::Position position) {
  UT_TRY_ASSIGN(const bool there, LoadPage(page));
  return !there || page_.empty() || page_.front().first > position;
}

base::Status ManifestCursor::SeekPage(job::Position position) {
  const auto within = [&] {
    return page_number_ && !page_.empty() && page_.front().first <= position &&
           position < page_.back().first + page_.back().count;
  };
  if (within()) return {};
  std::uint32_t low = 0;   // starts at or before the position, or is the first page
  std::uint32_t high = 1;  // to be found: a page that starts after it, or is past the end
  while (true) {
    UT_TRY_ASSIGN(const bool after, PageStartsAfter(high, position));
    if (after) break;
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    UT_TRY_ASSIGN(const bool after, PageStartsAfter(middle, position));
    (after ? high : low) = middle;
  }
  UT_TRY_ASSIGN(const bool there, LoadPage(low));
  if (!there) page_.clear();
  // Between two pages there may be a gap (a retry's plan): then the next page's first segment is the answer.
  if (there && (page_.empty() || position >= page_.back().first + page_.back().count)) {
    UT_TRY_ASSIGN(const bool next, LoadPage(low + 1));
    if (!next) page_.clear();
  }
  if (page_.empty()) page_number_.reset();
  return {};
}

base::Result<const job::Segment*> ManifestCursor::SeekSegment(job::Position position) {
  UT_TRY(SeekPage(position));
  const auto ends_after = [&](const job::Segment& segment) { return position < segment.first + segment.count; };
  const auto found = std::ranges::partition_point(page_, [&](const auto& segment) { return !ends_after(segment); });
  if (found == page_.end()) return nullptr;
  return &*found;
}

base::Result<ManifestCursor::Line> ManifestCursor::Seek(job::Position position) {
  UT_TRY_ASSIGN(const job::Segment* segment, SeekSegment(position));
  if (segment == nullptr || position < segment->first) {
    return base::Fail(base::Code::kCorrupt, fmt::format("the plan of {} lacks position {}", manifest_.blob, position));
  }
  if (loaded_first_ != segment->first) {
    loaded_first_.reset();
    UT_TRY(lines_.Load(blobs_, manifest_.blob, *segment));
    loaded_first_ = segment->first;
  }
  const auto index = static_cast<std::uint32_t>(position - segment->first);
  const std::uint64_t begin = lines_.offset_of(index);
  const std::uint64_t end = index + 1 < lines_.size() ? lines_.offset_of(index + 1) : segment->length;
  return Line{.text = lines_.line(index),
              .offset = segment->offset + begin,
              .length = end - begin,
              .segment = segment,
              .index = index};
}

base::Result<ToonSource> LoadSource(ports::BlobStore& blobs, const job::TenantId& tenant, const wire::ToonView& toon,
                                    std::string& scratch) {
  using Source = wire::ToonView::Source;
  switch (toon.source) {
    case Source::kText:
      return ToonSource{.bytes = toon.text, .form = ports::SourceForm::kText};
    case Source::kJson:
      return ToonSource{.bytes = toon.json_text, .form = ports::SourceForm::kJson};
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
      if (base::Sha256Of(scratch) != toon.uri->sha256) {
        return base::Fail(base::Code::kInvalid, "the stored bytes of the uri are damaged: upload them again",
                          "source-damaged");
      }
      break;
    }
  }
  const std::size_t length = scratch.size();
  scratch.resize(length + simdjson::SIMDJSON_PADDING);
  return ToonSource{.bytes = std::string_view(scratch).substr(0, length), .form = ports::SourceForm::kBytes};
}

namespace {

void AddMissing(std::vector<ports::Operation>& operations, const std::vector<ports::Operation>& needed) {
  for (const ports::Operation& operation : needed) {
    if (std::ranges::find(operations, operation.name, &ports::Operation::name) == operations.end()) {
      operations.push_back(operation);
    }
  }
}

}  // namespace

base::Status ToonOperations::Load(std::string_view operations_json, const std::vector<std::string>& reducers) {
  defaults_.clear();
  by_type_.clear();
  needing_.clear();
  for (const std::string& name : reducers) {
    // A name that is not known fails where its reducer runs.
    if (const ports::Reducer* reducer = reducers_.Find(name)) needing_.push_back(reducer);
  }
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
    defaults_.emplace_back(std::string(field.key), std::move(operations));
  }
  return {};
}

const ToonOperations::TypeOperations& ToonOperations::For(std::string_view type) {
  const auto known = std::ranges::find(by_type_, type, &TypeOperations::type);
  if (known != by_type_.end()) return *known;
  TypeOperations made{.type = std::string(type)};
  const auto same = [&](const auto& entry) { return entry.first == type; };
  if (const auto found = std::ranges::find_if(defaults_, same); found != defaults_.end()) made.all = found->second;
  for (const ports::Reducer* reducer : needing_) {
    if (auto needed = reducer->Needs(type)) AddMissing(made.needed, {std::move(*needed)});
  }
  AddMissing(made.all, made.needed);
  return by_type_.emplace_back(std::move(made));
}

base::Result<const std::vector<ports::Operation>*> ToonOperations::Of(const wire::ToonView& toon) {
  const TypeOperations& of_type = For(toon.type);
  if (!toon.operations) return &of_type.all;
  UT_TRY_ASSIGN(own_, wire::ReadOperations(*toon.operations));
  AddMissing(own_, of_type.needed);
  return &own_;
}

}  // namespace flow
