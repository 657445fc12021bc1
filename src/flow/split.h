// Divides a manifest into segments and segments into chunks. Loses and repeats nothing; order is kept.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "flow/context.h"
#include "job/types.h"

namespace flow {

// Takes lines in manifest order and closes a segment when the next line has another work class or would pass the limits
// of limits.h (kMaxSegmentToons, kMaxSegmentBytes; kMaxSegmentToonsMedia; images and custom types:
// kMaxSegmentToonsImage).
class SegmentBuilder {
 public:
  // [offset, offset + length) with its newline; `type` of the toon.
  void Add(job::Position position, std::string_view type, std::uint64_t offset, std::uint64_t length);
  // Closed segments so far, moved out; the last open one stays.
  [[nodiscard]] std::vector<job::Segment> TakeClosed();
  // The rest. Nothing may be added after.
  [[nodiscard]] std::vector<job::Segment> Finish();
  [[nodiscard]] std::size_t closed() const { return closed_.size(); }

 private:
  std::vector<job::Segment> closed_;
  job::Segment open_;
};

// Writes segments as pages of kSegmentsPerPage. The first page is kept back, so that it can be committed with its job.
class PlanWriter {
 public:
  PlanWriter(ports::PlanStore& plans, job::ManifestRef manifest, job::Generation generation)
      : plans_(plans), manifest_(std::move(manifest)), generation_(generation) {}
  void Add(std::vector<job::Segment> segments);
  // Writes every full page but the first.
  [[nodiscard]] base::Status WriteFullPages();
  // Writes what is left but the first page, and answers that.
  [[nodiscard]] base::Result<std::vector<job::Segment>> Finish();

 private:
  ports::PlanStore& plans_;
  job::ManifestRef manifest_;
  job::Generation generation_;
  std::vector<job::Segment> first_;
  std::vector<job::Segment> pending_;
  std::uint32_t next_page_ = 1;
};

// A type that has this work class, for naming segments of toons whose class is all that is known.
[[nodiscard]] std::string_view AnyTypeOf(std::string_view work_class);

}  // namespace flow
