// Pieces of a job that wait for a worker, and how they are cut. Pure; not thread-safe.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "job/types.h"
#include "ports/work.h"

namespace flow {

// A part of a segment (or one reducer) on its way to a worker.
struct Piece {
  job::Segment segment;
  std::vector<std::uint32_t> only;  // relative to segment.first, ascending; empty: the whole segment
  std::uint32_t attempt = 1;
  bool after_death = false;             // the attempt before killed whoever processed it
  std::uint32_t platform_failures = 0;  // times it came back through nobody's fault
  std::uint32_t busy = 0;               // times it came back for want of memory
  bool fresh = true;                    // as cut from the plan: nothing of it was sent yet
  std::optional<ports::Chunk> reduce;   // a kReduce chunk instead

  [[nodiscard]] std::uint32_t size() const {
    return only.empty() ? segment.count : static_cast<std::uint32_t>(only.size());
  }
  [[nodiscard]] const job::WorkClass& work_class() const { return reduce ? reduce->work_class : segment.work_class; }
};

// How many workers it is worth to share this piece among, at most `workers`.
[[nodiscard]] std::size_t SharesOf(const Piece& piece, std::size_t workers);
// Cuts a piece of at least two toons in two, in order; both cover exactly what it covered.
[[nodiscard]] std::pair<Piece, Piece> Halve(Piece piece);
// One piece per toon, in order, each with its own byte range: `ends[i]` is where line i of the segment ends, relative
// to the segment's offset.
[[nodiscard]] std::vector<Piece> PerToon(const Piece& piece, const std::vector<std::uint64_t>& ends);

// The pieces of one job, per work class.
class PieceQueue {
 public:
  void PushBack(Piece piece);
  void PushFront(Piece piece);
  [[nodiscard]] std::optional<Piece> Pop(const job::WorkClass& work_class);
  [[nodiscard]] bool Empty(const job::WorkClass& work_class) const;
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const std::map<job::WorkClass, std::deque<Piece>>& classes() const { return by_class_; }

 private:
  std::map<job::WorkClass, std::deque<Piece>> by_class_;
  std::size_t size_ = 0;
};

}  // namespace flow
