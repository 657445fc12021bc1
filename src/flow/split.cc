#include "flow/split.h"

#include <iterator>
#include <utility>

#include "job/limits.h"

namespace flow {

namespace {

std::uint32_t MaxToons(std::string_view work_class) {
  if (work_class == "data") return job::kMaxSegmentToons;
  return work_class == "media" ? job::kMaxSegmentToonsMedia : job::kMaxSegmentToonsImage;
}

}  // namespace

void SegmentBuilder::Add(job::Position position, std::string_view type, std::uint64_t offset, std::uint64_t length) {
  const std::string_view work_class = job::WorkClassOf(type);
  const bool fits = open_.count > 0 && open_.work_class == work_class && open_.first + open_.count == position &&
                    open_.offset + open_.length == offset && open_.count < MaxToons(work_class) &&
                    open_.length + length <= job::kMaxSegmentBytes;
  if (fits) {
    open_.count += 1;
    open_.length += length;
    return;
  }
  if (open_.count > 0) closed_.push_back(std::move(open_));
  open_ = {.first = position, .count = 1, .offset = offset, .length = length, .work_class = std::string(work_class)};
}

std::vector<job::Segment> SegmentBuilder::TakeClosed() {
  return std::exchange(closed_, {});
}

std::vector<job::Segment> SegmentBuilder::Finish() {
  if (open_.count > 0) closed_.push_back(std::move(open_));
  open_ = {};
  return TakeClosed();
}

void PlanWriter::Add(std::vector<job::Segment> segments) {
  for (job::Segment& segment : segments) {
    (first_.size() < job::kSegmentsPerPage ? first_ : pending_).push_back(std::move(segment));
  }
}

base::Status PlanWriter::WriteFullPages() {
  while (pending_.size() >= job::kSegmentsPerPage) {
    const auto middle = pending_.begin() + job::kSegmentsPerPage;
    std::vector<job::Segment> page(std::make_move_iterator(pending_.begin()), std::make_move_iterator(middle));
    UT_TRY(plans_.PutPage(manifest_, generation_, next_page_, page));
    pending_.erase(pending_.begin(), middle);
    next_page_ += 1;
  }
  return {};
}

base::Result<std::vector<job::Segment>> PlanWriter::Finish() {
  UT_TRY(WriteFullPages());
  if (!pending_.empty()) {
    UT_TRY(plans_.PutPage(manifest_, generation_, next_page_, pending_));
    pending_.clear();
    next_page_ += 1;
  }
  return std::move(first_);
}

std::string_view AnyTypeOf(std::string_view work_class) {
  if (work_class == "data") return "binary";
  if (work_class == "media") return "audio";
  return work_class;
}

}  // namespace flow
