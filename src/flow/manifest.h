// Toons of a stored manifest: the lines of a segment, decoded. Used by the worker and by the server's rarer paths.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "flow/context.h"
#include "job/types.h"
#include "ports/blob_store.h"
#include "wire/toon.h"

namespace flow {

// The lines of one segment, held in memory with the padding that simdjson wants behind them.
class SegmentLines {
 public:
  // kCorrupt if the bytes are not exactly segment.count lines; kUnavailable, kNotFound from the blob store.
  [[nodiscard]] base::Status Load(ports::BlobStore& blobs, std::string_view manifest_blob, const job::Segment& segment);
  [[nodiscard]] std::size_t size() const { return lines_.size(); }
  // Without the newline. 64 readable bytes follow each. Valid until the next Load.
  [[nodiscard]] std::string_view line(std::size_t index) const { return lines_[index]; }
  // Bytes from the segment's offset to the line's first byte.
  [[nodiscard]] std::uint64_t offset_of(std::size_t index) const {
    return static_cast<std::uint64_t>(lines_[index].data() - buffer_.data());
  }
  // Where each line ends (its newline included), relative to the segment's offset.
  [[nodiscard]] std::vector<std::uint64_t> Ends(const job::Segment& segment) const;

 private:
  std::string buffer_;
  std::vector<std::string_view> lines_;
};

// Finds toons by position. Cheap when positions ascend; any order works (binary search over the plan's pages).
class ManifestCursor {
 public:
  // `generation` names the plan to go by; generation 1 covers every toon.
  ManifestCursor(ports::PlanStore& plans, ports::BlobStore& blobs, job::ManifestRef manifest,
                 job::Generation generation);
  struct Line {
    std::string_view text;     // without the newline; valid until the next Seek
    std::uint64_t offset = 0;  // in the manifest, bytes
    std::uint64_t length = 0;  // up to the next line
    const job::Segment* segment = nullptr;
    std::uint32_t index = 0;  // in its segment
  };
  // kCorrupt if no segment holds the position.
  [[nodiscard]] base::Result<Line> Seek(job::Position position);
  // The segment that holds the position or, if none does, the first one after it; nullptr: none.
  [[nodiscard]] base::Result<const job::Segment*> SeekSegment(job::Position position);

 private:
  [[nodiscard]] base::Result<bool> LoadPage(std::uint32_t page);  // false: past the last one
  [[nodiscard]] base::Result<bool> PageStartsAfter(std::uint32_t page, job::Position position);
  [[nodiscard]] base::Status SeekPage(job::Position position);

  ports::PlanStore& plans_;
  ports::BlobStore& blobs_;
  job::ManifestRef manifest_;
  job::Generation generation_;
  std::optional<std::uint32_t> page_number_;
  std::vector<job::Segment> page_;
  std::size_t at_ = 0;
  SegmentLines lines_;
  std::optional<job::Position> loaded_first_;  // first position of the segment in lines_
};

// The bytes a toon is about, as its processor sees them.
struct ToonSource {
  std::string_view bytes;  // 64 readable bytes follow
  ports::SourceForm form = ports::SourceForm::kBytes;
};
// `scratch` backs the bytes where they had to be decoded or read. kInvalid: the toon's fault (gone upload, bad base64);
// kUnavailable: ours.
[[nodiscard]] base::Result<ToonSource> LoadSource(ports::BlobStore& blobs, const job::TenantId& tenant,
                                                  const wire::ToonView& toon, std::string& scratch);

// The operations that apply to a toon: its own, else the job's defaults for its type; then what the job's reducers need
// of its type and it does not ask for itself.
class ToonOperations {
 public:
  explicit ToonOperations(const ports::ReducerRegistry& reducers) : reducers_(reducers) {}
  // {"<type>":[{"op":…}]}, validated at submit, and the names of the job's reducers. kCorrupt if it does not decode.
  [[nodiscard]] base::Status Load(std::string_view operations_json, const std::vector<std::string>& reducers);
  // Valid until the next call.
  [[nodiscard]] base::Result<const std::vector<ports::Operation>*> Of(const wire::ToonView& toon);

 private:
  struct TypeOperations {
    std::string type;
    std::vector<ports::Operation> all;  // the defaults and what is needed
    std::vector<ports::Operation> needed;
  };
  const TypeOperations& For(std::string_view type);

  const ports::ReducerRegistry& reducers_;
  std::vector<const ports::Reducer*> needing_;
  std::vector<std::pair<std::string, std::vector<ports::Operation>>> defaults_;
  std::vector<TypeOperations> by_type_;  // of the types met so far
  std::vector<ports::Operation> own_;
};

}  // namespace flow
