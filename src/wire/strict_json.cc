#include "wire/strict_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "job/limits.h"

namespace wire {

namespace {

using simdjson::dom::element_type;

// Buffers start this large and go back to at most kKeepCapacity after a large document, so that one large toon does not
// pin ten times its size for the life of a connection.
constexpr std::size_t kFirstCapacity = 4096;
constexpr std::size_t kKeepCapacity = 256 * 1024;
// Up to so many keys comparing each with all before it is cheaper than hashing.
constexpr std::size_t kPairwiseKeys = 8;
constexpr std::size_t kBloomKeys = 32;
// simdjson refuses a filled container at its maximum.
constexpr std::size_t kParserDepth = job::kMaxJsonDepth + 1;

std::uint64_t Fingerprint(std::string_view key) {
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
  if (key.size() >= 8) {
    std::memcpy(&head, key.data(), 8);
    std::memcpy(&tail, key.data() + key.size() - 8, 8);
  } else if (key.size() >= 4) {
    std::memcpy(&head, key.data(), 4);
    std::memcpy(&tail, key.data() + key.size() - 4, 4);
  } else {
    for (const char c : key) head = head << 8U | static_cast<unsigned char>(c);
  }
  std::uint64_t h = (head ^ std::rotl(tail, 29) ^ key.size()) * 0x9E3779B97F4A7C15ULL;
  return h ^ h >> 32U;
}

// Keys of one object, so far. Answers whether a key was there before. Small objects stay on the stack.
class KeySet {
 public:
  bool Repeats(std::string_view key) {
    if (count_ < kBloomKeys) return RepeatsSmall(key);
    large_.push_back({Fingerprint(key), key});
    return false;  // found by LargeDuplicate once the object ends
  }
  // Call once after the last key.
  std::optional<std::string_view> LargeDuplicate() {
    if (large_.empty()) return std::nullopt;
    for (std::size_t i = 0; i < count_; ++i) large_.push_back({Fingerprint(small_[i]), small_[i]});
    // By fingerprint first: keys chosen to collide cost string compares, never more than n log n of them.
    std::sort(large_.begin(), large_.end());
    const auto twin = std::adjacent_find(large_.begin(), large_.end());
    if (twin == large_.end()) return std::nullopt;
    return twin->second;
  }

 private:
  bool HasSmall(std::string_view key) const {
    for (std::size_t i = 0; i < count_; ++i) {
      if (small_[i] == key) return true;
    }
    return false;
  }
  bool RepeatsSmall(std::string_view key) {
    bool maybe = true;
    if (count_ >= kPairwiseKeys) {
      if (count_ == kPairwiseKeys) {
        for (std::size_t i = 0; i < count_; ++i) (void)Mark(small_[i]);
      }
      maybe = Mark(key);
    }
    if (maybe && HasSmall(key)) return true;
    small_[count_++] = key;
    return false;
  }
  // Answers whether the key's bit was set before.
  bool Mark(std::string_view key) {
    const std::uint64_t h = Fingerprint(key);
    std::uint64_t& word = bloom_[h >> 6U & (bloom_.size() - 1)];
    const std::uint64_t bit = 1ULL << (h & 63U);
    const bool was = (word & bit) != 0;
    word |= bit;
    return was;
  }

  std::array<std::string_view, kBloomKeys> small_;
  std::size_t count_ = 0;
  std::array<std::uint64_t, 16> bloom_{};
  std::vector<std::pair<std::uint64_t, std::string_view>> large_;
};

// The same for objects of at most kPairwiseKeys members, which most are.
class FewKeys {
 public:
  bool Repeats(std::string_view key) {
    for (std::size_t i = 0; i < count_; ++i) {
      if (keys_[i] == key) return true;
    }
    keys_[count_++] = key;
    return false;
  }
  static std::optional<std::string_view> LargeDuplicate() { return std::nullopt; }

 private:
  std::array<std::string_view, kPairwiseKeys> keys_;
  std::size_t count_ = 0;
};

struct Fault {
  std::string pointer;
  std::string_view detail;
};
constexpr std::string_view kTooDeep = "nested too deeply";
constexpr std::string_view kDuplicate = "a duplicate key";

bool IsContainer(element_type type) {
  return type == element_type::OBJECT || type == element_type::ARRAY;
}

// Whether there is a duplicate key, or a container below job::kMaxJsonDepth, at or under a container, which lies at
// `depth` (the root's is 1); `fault` says where. simdjson does not count empty containers, so the depth is checked
// here; its own bound keeps the recursion short.
bool FindFault(const Element& container, std::size_t depth, Fault& fault);

template <typename Keys>
bool FaultInObject(const Object& object, std::size_t depth, Fault& fault) {
  Keys keys;
  for (const auto field : object) {
    if (keys.Repeats(field.key)) {
      fault = {"/" + base::PointerToken(field.key), kDuplicate};
      return true;
    }
    if (IsContainer(field.value.type()) && FindFault(field.value, depth + 1, fault)) {
      fault.pointer.insert(0, "/" + base::PointerToken(field.key));
      return true;
    }
  }
  const auto key = keys.LargeDuplicate();
  if (key) fault = {"/" + base::PointerToken(*key), kDuplicate};
  return key.has_value();
}

bool FaultInArray(const Array& array, std::size_t depth, Fault& fault) {
  std::size_t index = 0;
  for (const Element child : array) {
    if (IsContainer(child.type()) && FindFault(child, depth + 1, fault)) {
      fault.pointer.insert(0, fmt::format("/{}", index));
      return true;
    }
    ++index;
  }
  return false;
}

bool FindFault(const Element& container, std::size_t depth, Fault& fault) {
  if (depth > job::kMaxJsonDepth) {
    fault = {"", kTooDeep};
    return true;
  }
  if (container.type() == element_type::ARRAY) return FaultInArray(Array(container), depth, fault);
  const Object object(container);
  return object.size() <= kPairwiseKeys ? FaultInObject<FewKeys>(object, depth, fault)
                                        : FaultInObject<KeySet>(object, depth, fault);
}

std::string_view Explain(simdjson::error_code error) {
  switch (error) {
    case simdjson::EMPTY:
      return "empty";
    case simdjson::DEPTH_ERROR:
      return kTooDeep;
    case simdjson::UTF8_ERROR:
      return "not UTF-8";
    case simdjson::STRING_ERROR:
      return "not JSON: a bad string or escape";
    case simdjson::UNESCAPED_CHARS:
      return "not JSON: a control character in a string";
    case simdjson::UNCLOSED_STRING:
      return "not JSON: a string does not end";
    case simdjson::NUMBER_ERROR:
      return "not JSON: a bad number, or one out of range";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
      return "not JSON: an unknown word";
    default:
      return "not JSON";
  }
}

}  // namespace

StrictParser::StrictParser() = default;

base::Result<Element> StrictParser::Parse(std::string_view text, std::string_view base_pointer, Padding padding) {
  // simdjson copies from the text, which may be null here, before it looks at the size.
  if (text.empty()) return base::FailAt(std::string(base_pointer), std::string(Explain(simdjson::EMPTY)));
  const std::size_t wanted = std::max(std::bit_ceil(text.size()), kFirstCapacity);
  const bool shrink = parser_.capacity() > kKeepCapacity && wanted <= kKeepCapacity;
  if (shrink) parser_ = simdjson::dom::parser();
  if (parser_.capacity() < wanted && parser_.allocate(wanted, kParserDepth) != simdjson::SUCCESS) {
    return base::Fail(base::Code::kUnavailable, "out of memory while reading JSON");
  }
  Element element;
  const auto error = parser_.parse(text.data(), text.size(), padding == Padding::kNone).get(element);
  if (error != simdjson::SUCCESS) {
    if (error == simdjson::MEMALLOC) return base::Fail(base::Code::kUnavailable, "out of memory while reading JSON");
    return base::FailAt(std::string(base_pointer), std::string(Explain(error)));
  }
  Fault fault;
  if (IsContainer(element.type()) && FindFault(element, 1, fault)) {
    return base::FailAt(std::string(base_pointer) + fault.pointer, std::string(fault.detail));
  }
  return element;
}

std::string Minify(const Element& element) {
  return simdjson::minify(element);
}

void FieldErrors::Add(std::string pointer, std::string detail) {
  if (full()) {
    ++dropped_;
    return;
  }
  errors_.push_back({std::move(pointer), std::move(detail)});
}

bool FieldErrors::full() const {
  return errors_.size() >= job::kMaxFieldErrors;
}

base::Error FieldErrors::ToError(std::string_view what) && {
  const std::size_t count = errors_.size() + dropped_;
  base::Error error{.code = base::Code::kInvalid};
  error.message = fmt::format("{}: {} {}", what, count, count == 1 ? "field is wrong" : "fields are wrong");
  error.fields = std::move(errors_);
  return error;
}

}  // namespace wire
