#include "flow/pieces.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace flow {

namespace {

// Below this much work a share costs more in messages than it wins.
constexpr std::uint32_t kMinShareToons = 64;
constexpr std::uint64_t kMinShareBytes = 32 * 1024;

}  // namespace

std::size_t SharesOf(const Piece& piece, std::size_t workers) {
  if (piece.reduce || piece.size() < 2) return 1;
  if (piece.segment.work_class != "data") return std::min<std::size_t>(workers, piece.size());
  const std::uint64_t bytes = piece.segment.length * piece.size() / std::max(piece.segment.count, 1U);
  const std::uint64_t shares = std::max<std::uint64_t>(piece.size() / kMinShareToons, bytes / kMinShareBytes);
  return std::clamp<std::size_t>(std::min<std::uint64_t>(shares, piece.size()), 1, std::max<std::size_t>(workers, 1));
}

std::pair<Piece, Piece> Halve(Piece piece) {
  if (piece.only.empty()) {
    piece.only.resize(piece.segment.count);
    std::iota(piece.only.begin(), piece.only.end(), 0U);
  }
  const auto middle = piece.only.begin() + static_cast<std::ptrdiff_t>(piece.only.size() / 2);
  Piece second = piece;
  second.only.assign(middle, piece.only.end());
  piece.only.erase(middle, piece.only.end());
  return {std::move(piece), std::move(second)};
}

std::vector<Piece> PerToon(const Piece& piece, const std::vector<std::uint64_t>& ends) {
  std::vector<Piece> pieces;
  pieces.reserve(piece.size());
  for (std::uint32_t i = 0; i < piece.size(); ++i) {
    const std::uint32_t index = piece.only.empty() ? i : piece.only[i];
    const std::uint64_t begin = index == 0 ? 0 : ends[index - 1];
    Piece one = piece;
    one.only.clear();
    one.segment.first += index;
    one.segment.count = 1;
    one.segment.offset += begin;
    one.segment.length = ends[index] - begin;
    pieces.push_back(std::move(one));
  }
  return pieces;
}

void PieceQueue::PushBack(Piece piece) {
  const job::WorkClass work_class = piece.work_class();
  by_class_[work_class].push_back(std::move(piece));
  size_ += 1;
}

void PieceQueue::PushFront(Piece piece) {
  const job::WorkClass work_class = piece.work_class();
  by_class_[work_class].push_front(std::move(piece));
  size_ += 1;
}

std::optional<Piece> PieceQueue::Pop(const job::WorkClass& work_class) {
  const auto at = by_class_.find(work_class);
  if (at == by_class_.end() || at->second.empty()) return std::nullopt;
  Piece piece = std::move(at->second.front());
  at->second.pop_front();
  size_ -= 1;
  return piece;
}

bool PieceQueue::Empty(const job::WorkClass& work_class) const {
  const auto at = by_class_.find(work_class);
  return at == by_class_.end() || at->second.empty();
}

}  // namespace flow
