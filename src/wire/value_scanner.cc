#include "wire/value_scanner.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace wire {

namespace {

constexpr std::size_t kPadding = 64 + 1;  // simdjson's, and a newline
constexpr std::size_t kFirstCapacity = 4096;
constexpr char kSpace = ' ';

enum class Class : std::uint8_t { kScalar, kSpace, kQuote, kOpen, kClose, kBetween };

constexpr std::array<Class, 256> MakeClasses() {
  std::array<Class, 256> table{};
  table.fill(Class::kScalar);
  for (const char c : {' ', '\t', '\n', '\r'}) table[static_cast<unsigned char>(c)] = Class::kSpace;
  table['"'] = Class::kQuote;
  table['{'] = table['['] = Class::kOpen;
  table['}'] = table[']'] = Class::kClose;
  table[':'] = table[','] = Class::kBetween;
  return table;
}
constexpr auto kClasses = MakeClasses();
Class ClassOf(char c) {
  return kClasses[static_cast<unsigned char>(c)];
}

static_assert(std::endian::native == std::endian::little, "FindQuote counts bytes from the low end");

// The first quote of [at, end), or nullptr. Most strings are short: eight bytes at a time, then memchr for the long
// ones.
const char* FindQuote(const char* at, const char* end) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  for (int i = 0; i < 4 && end - at >= 8; ++i, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    word ^= kOnes * '"';
    // The lowest set bit marks the first zero byte (Hacker's Delight, 6-1).
    const std::uint64_t found = (word - kOnes) & ~word & kOnes << 7U;
    if (found != 0) return at + (static_cast<unsigned>(std::countr_zero(found)) >> 3U);
  }
  return static_cast<const char*>(std::memchr(at, '"', static_cast<std::size_t>(end - at)));
}

}  // namespace

void LineBuffer::Append(const char* bytes, std::size_t size) {
  if (size_ + size + kPadding > capacity_) {
    const std::size_t wanted = std::max({kFirstCapacity, capacity_ * 2, size_ + size + kPadding});
    auto larger = std::make_unique_for_overwrite<char[]>(wanted);
    if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = wanted;
  }
  if (size > 0) std::memcpy(data_.get() + size_, bytes, size);
  size_ += size;
}

std::string_view LineBuffer::WithNewline() {
  if (capacity_ == 0) Append(nullptr, 0);
  data_[size_] = '\n';
  return {data_.get(), size_ + 1};
}

void ValueScanner::Begin(std::uint64_t max_bytes, std::size_t max_depth) {
  text_.Clear();
  max_bytes_ = max_bytes;
  max_depth_ = max_depth;
  depth_ = 0;
  started_ = false;
  in_string_ = false;
  after_scalar_ = false;
  gap_ = false;
}

bool ValueScanner::Keep(const char* from, const char* to) {
  const auto size = static_cast<std::size_t>(to - from);
  if (text_.size() + size > max_bytes_) return false;
  text_.Append(from, size);
  return true;
}

// An odd run of backslashes stands before the quote. The run may have begun in an earlier piece; the string's own
// opening quote ends it at the latest.
bool ValueScanner::QuoteIsEscaped(const char* run, const char* quote) const {
  const char* back = quote;
  while (back > run && back[-1] == '\\') --back;
  auto count = static_cast<std::size_t>(quote - back);
  if (back == run) {
    const std::string_view kept = text_.view();
    for (std::size_t i = kept.size(); i > 0 && kept[i - 1] == '\\'; --i) ++count;
  }
  return count % 2 == 1;
}

// Within a string: on to its end or the piece's.
ValueScanner::End ValueScanner::FeedString(const char*& run, const char*& at, const char* end) {
  while (at < end) {
    const char* quote = FindQuote(at, end);
    at = quote == nullptr ? end : quote + 1;
    if (text_.size() + static_cast<std::size_t>(at - run) > max_bytes_) return End::kTooLong;
    if (quote != nullptr && !QuoteIsEscaped(run, quote)) {
      in_string_ = false;
      return depth_ == 0 ? End::kDone : End::kMore;
    }
  }
  return End::kMore;
}

// Outside strings: on to the next string, the value's end or the piece's. [run, at) is to be kept.
ValueScanner::End ValueScanner::FeedPlain(const char*& run, const char*& at, const char* end) {
  for (; at < end; ++at) {
    const Class kind = ClassOf(*at);
    if (kind == Class::kScalar) {
      if (gap_ && after_scalar_) {
        // "1 2" must not become "12": the parser is to see that it is wrong.
        if (!Keep(&kSpace, &kSpace + 1)) return End::kTooLong;
      }
      gap_ = false;
      after_scalar_ = true;
      while (at + 1 < end && ClassOf(at[1]) == Class::kScalar) ++at;
      continue;
    }
    if (kind == Class::kSpace) {
      if (depth_ == 0) return End::kDone;
      if (!Keep(run, at)) return End::kTooLong;
      run = at + 1;
      gap_ = true;
      continue;
    }
    // A number or word alone ends before whatever ends its container.
    if (depth_ == 0 && after_scalar_) return End::kDone;
    gap_ = false;
    after_scalar_ = false;
    if (kind == Class::kQuote) {
      in_string_ = true;
      ++at;
      return End::kMore;
    }
    if (kind == Class::kOpen && ++depth_ > max_depth_) return End::kTooDeep;
    if (kind == Class::kClose && --depth_ == 0) {
      ++at;
      return End::kDone;
    }
  }
  return End::kMore;
}

ValueScanner::End ValueScanner::Feed(std::string_view& piece) {
  if (piece.empty()) return End::kMore;
  if (!started_) {
    const Class first = ClassOf(piece.front());
    if (first == Class::kClose || first == Class::kBetween || first == Class::kSpace) return End::kBad;
    started_ = true;
  }
  const char* run = piece.data();
  const char* at = run;
  const char* const end = run + piece.size();
  End result = End::kMore;
  while (result == End::kMore && at < end) {
    result = in_string_ ? FeedString(run, at, end) : FeedPlain(run, at, end);
  }
  piece.remove_prefix(static_cast<std::size_t>(at - piece.data()));
  if (result == End::kTooLong || result == End::kTooDeep) return result;
  return Keep(run, at) ? result : End::kTooLong;
}

}  // namespace wire
