#include "flow/split.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "flow/manifest.h"
#include "job/limits.h"

namespace flow {

namespace {

std::uint32_t MaxToons(std::string_view work_class) {
  return work_class == "data" ? job::kMaxSegmentToons : job::kMaxSegmentToonsMedia;
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

std::vector<job::Segment> SegmentBuilder::TakeClosed() { return std::exchange(closed_, {}); }

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

base::Status RetryPlanner::Seek(job::Position position) {
  while (true) {
    for (; at_ < page_.size(); ++at_) {
      if (position < page_[at_].first + page_[at_].count) break;
      line_ends_.clear();
    }
    if (at_ < page_.size()) break;
    UT_TRY_ASSIGN(auto page, context_.plans.ReadPage(manifest_, from_, next_page_));
    if (!page) return base::Fail(base::Code::kCorrupt, fmt::format("plan of {} ends before {}", manifest_.blob, position));
    page_ = std::move(*page);
    next_page_ += 1;
    at_ = 0;
    line_ends_.clear();
  }
  const job::Segment& segment = page_[at_];
  if (position < segment.first) {
    return base::Fail(base::Code::kCorrupt, fmt::format("plan of {} lacks position {}", manifest_.blob, position));
  }
  if (!line_ends_.empty()) return {};
  std::string bytes;
  UT_TRY(context_.blobs.Read(manifest_.blob, segment.offset, segment.length, bytes));
  for (std::size_t at = bytes.find('\n'); at != std::string::npos; at = bytes.find('\n', at + 1)) {
    line_ends_.push_back(at + 1);
  }
  if (line_ends_.size() < segment.count) line_ends_.push_back(bytes.size());  // a last line without its newline
  if (line_ends_.size() != segment.count) {
    return base::Fail(base::Code::kCorrupt, fmt::format("manifest {} does not match its plan", manifest_.blob));
  }
  return {};
}

base::Status RetryPlanner::Add(job::Position position, SegmentBuilder& out) {
  UT_TRY(Seek(position));
  const job::Segment& segment = page_[at_];
  const std::size_t index = position - segment.first;
  const std::uint64_t begin = index == 0 ? 0 : line_ends_[index - 1];
  // A segment has one work class, and any type of that class serves to name it here.
  const std::string_view type = segment.work_class == "data"    ? "binary"
                                : segment.work_class == "media" ? "audio"
                                                                : std::string_view(segment.work_class);
  out.Add(position, type, segment.offset + begin, line_ends_[index] - begin);
  return {};
}

}  // namespace flow
