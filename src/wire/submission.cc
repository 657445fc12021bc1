#include "wire/submission.h"

#include <fmt/format.h>

#include "wire/envelope.h"
#include "wire/toon_checker.h"
#include "wire/value_scanner.h"

namespace wire {

namespace {

constexpr std::size_t kMaxKeyBytes = 1024;  // as it stands, with quotes and escapes
constexpr std::string_view kToons = "/toons/";
// Containers that are open around a member's value and around a toon.
constexpr std::size_t kDepthOfMember = 1;
constexpr std::size_t kDepthOfToon = 2;

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

// A machine over the body's outer structure. What lies within a key, a member's value or a toon goes through one
// ValueScanner into one buffer, so never more than one of them is held.
struct SubmissionReader::Impl {
  enum class State : std::uint8_t {
    kStart,       // before {
    kFirstKey,    // a key or }
    kNextKey,     // a key, after a comma
    kInKey,       //
    kColon,       //
    kValue,       // before a member's value
    kInValue,     //
    kAfterValue,  // , or }
    kToons,       // before the [ of toons
    kFirstToon,   // a toon or ]
    kNextToon,    // a toon, after a comma
    kInToon,      //
    kAfterToon,   // , or ]
    kEnd,         // after the last }
  };

  Impl(const SubmissionRules& rules, ToonSink& sink)
      : limits(*rules.limits), sink(sink), rules(rules), checker(this->rules), members(this->rules) {}

  base::Status Write(std::string_view piece);
  base::Status Step(std::string_view& piece);
  base::Status Begin(State next, std::uint64_t max_bytes, std::size_t outer_depth);
  base::Status Expect(char c, char first, State on_first, char second, State on_second);
  base::Status EndKey();
  base::Status EndValue();
  base::Status EndToon();
  base::Status Scan(std::string_view& piece, base::Status (Impl::*done)());
  base::Status NotJson();
  base::Status TooLong();
  base::Status GiveUp(std::string pointer, std::string detail);
  base::Status StopIfFull();

  const job::Limits& limits;
  ToonSink& sink;
  const SubmissionRules rules;
  ToonChecker checker;
  EnvelopeReader members;
  StrictParser key_parser;
  ValueScanner scanner;
  FieldErrors errors;
  State state = State::kStart;
  std::string key;  // of the member at hand
  EnvelopeReader::Admission admission = EnvelopeReader::Admission::kRefused;
  job::Position toons = 0;
  std::uint64_t bytes = 0;     // of the body, up to the current piece's end
  std::uint64_t consumed = 0;  // of the body
  bool over = false;           // an error was answered
};

base::Status SubmissionReader::Impl::GiveUp(std::string pointer, std::string detail) {
  errors.Add(std::move(pointer), std::move(detail));
  return std::unexpected(std::move(errors).ToError("the submission"));
}

base::Status SubmissionReader::Impl::NotJson() {
  return GiveUp("", fmt::format("not JSON at byte {}", consumed));
}

base::Status SubmissionReader::Impl::StopIfFull() {
  if (!errors.full()) return {};
  return std::unexpected(std::move(errors).ToError("the submission"));
}

base::Status SubmissionReader::Impl::TooLong() {
  if (state == State::kInToon) {
    return std::unexpected(TooLarge(fmt::format("{}{}", kToons, toons), "max_toon_bytes", limits.max_toon_bytes));
  }
  if (state == State::kInKey) return GiveUp("", fmt::format("a key of more than {} bytes", kMaxKeyBytes));
  const EnvelopeReader::Bound bound = members.BoundOf(key);
  const std::string pointer = "/" + base::PointerToken(key);
  if (bound.name.empty()) return GiveUp(pointer, fmt::format("longer than {} bytes", bound.bytes));
  return std::unexpected(TooLarge(pointer, bound.name, bound.bytes));
}

// Reads on within a key, a value or a toon, and calls `done` once it is whole.
base::Status SubmissionReader::Impl::Scan(std::string_view& piece, base::Status (Impl::*done)()) {
  const std::size_t before = piece.size();
  const ValueScanner::End end = scanner.Feed(piece);
  consumed += before - piece.size();
  switch (end) {
    case ValueScanner::End::kMore:
      return {};
    case ValueScanner::End::kDone:
      return (this->*done)();
    case ValueScanner::End::kTooLong:
      return TooLong();
    case ValueScanner::End::kTooDeep:
      return GiveUp(state == State::kInToon ? fmt::format("{}{}", kToons, toons) : "/" + base::PointerToken(key),
                    "nested too deeply");
    case ValueScanner::End::kBad:
      return NotJson();
  }
  return NotJson();
}

base::Status SubmissionReader::Impl::EndKey() {
  const auto element = key_parser.Parse(scanner.text().view(), "", StrictParser::Padding::kPresent);
  std::string_view text;
  if (!element || element->get(text) != simdjson::SUCCESS) return NotJson();
  key = text;
  admission = members.Admit(key, errors);
  state = State::kColon;
  return StopIfFull();
}

base::Status SubmissionReader::Impl::EndValue() {
  if (admission == EnvelopeReader::Admission::kValue) members.Read(key, scanner.text().view(), errors);
  if (admission == EnvelopeReader::Admission::kToons) errors.Add("/toons", "must be an array");
  state = State::kAfterValue;
  return StopIfFull();
}

base::Status SubmissionReader::Impl::EndToon() {
  ToonView toon;
  const job::Position position = toons++;
  state = State::kAfterToon;
  const bool good = checker.Check(scanner.text().view(), kToons, position, toon, errors);
  if (!good || !errors.empty()) return StopIfFull();
  auto taken = sink.OnToon(position, toon, scanner.text().WithNewline());
  if (taken || toon.source != ToonView::Source::kUri) return taken;
  return std::unexpected(AtUri(std::move(taken).error(), fmt::format("{}{}/uri", kToons, position)));
}

base::Status SubmissionReader::Impl::Begin(State next, std::uint64_t max_bytes, std::size_t outer_depth) {
  scanner.Begin(max_bytes, job::kMaxJsonDepth - outer_depth);
  state = next;
  return {};
}

base::Status SubmissionReader::Impl::Expect(char c, char first, State on_first, char second, State on_second) {
  if (c != first && c != second) return NotJson();
  ++consumed;
  state = c == first ? on_first : on_second;
  return {};
}

// One step from the front of a piece that does not start with whitespace (unless it lies within something).
base::Status SubmissionReader::Impl::Step(std::string_view& piece) {
  const char c = piece.front();
  const auto expect = [&](char first, State on_first, char second, State on_second) {
    piece.remove_prefix(1);
    return Expect(c, first, on_first, second, on_second);
  };
  switch (state) {
    case State::kInKey:
      return Scan(piece, &Impl::EndKey);
    case State::kInValue:
      return Scan(piece, &Impl::EndValue);
    case State::kInToon:
      return Scan(piece, &Impl::EndToon);
    case State::kStart:
      return expect('{', State::kFirstKey, '{', State::kFirstKey);
    case State::kFirstKey:
    case State::kNextKey:
      if (c == '"') return Begin(State::kInKey, kMaxKeyBytes, kDepthOfMember);
      if (state == State::kNextKey) return NotJson();
      return expect('}', State::kEnd, '}', State::kEnd);
    case State::kColon: {
      const bool is_toons = admission == EnvelopeReader::Admission::kToons;
      const State next = is_toons ? State::kToons : State::kValue;
      return expect(':', next, ':', next);
    }
    case State::kToons:
      if (c == '[') return expect('[', State::kFirstToon, '[', State::kFirstToon);
      [[fallthrough]];
    case State::kValue:
      return Begin(State::kInValue, members.BoundOf(key).bytes, kDepthOfMember);
    case State::kAfterValue:
      return expect(',', State::kNextKey, '}', State::kEnd);
    case State::kFirstToon:
      if (c == ']') return expect(']', State::kAfterValue, ']', State::kAfterValue);
      [[fallthrough]];
    case State::kNextToon:
      if (toons >= limits.max_toons) return std::unexpected(TooLarge("/toons", "max_toons", limits.max_toons));
      return Begin(State::kInToon, limits.max_toon_bytes, kDepthOfToon);
    case State::kAfterToon:
      return expect(',', State::kNextToon, ']', State::kAfterValue);
    case State::kEnd:
      return NotJson();
  }
  return NotJson();
}

base::Status SubmissionReader::Impl::Write(std::string_view piece) {
  bytes += piece.size();
  if (bytes > limits.max_body_bytes) {
    return std::unexpected(TooLarge("", "max_body_bytes", limits.max_body_bytes));
  }
  while (!piece.empty()) {
    const bool within = state == State::kInKey || state == State::kInValue || state == State::kInToon;
    if (!within && IsSpace(piece.front())) {
      piece.remove_prefix(1);
      ++consumed;
      continue;
    }
    UT_TRY(Step(piece));
  }
  return {};
}

SubmissionReader::SubmissionReader(const SubmissionRules& rules, ToonSink& sink)
    : impl_(std::make_unique<Impl>(rules, sink)) {}
SubmissionReader::~SubmissionReader() = default;

base::Status SubmissionReader::Write(std::string_view piece) {
  if (impl_->over) return base::FailAt("", "the submission was refused before");
  auto status = impl_->Write(piece);
  impl_->over = !status;
  return status;
}

base::Result<Envelope> SubmissionReader::Finish() {
  Impl& impl = *impl_;
  if (impl.over) return base::FailAt("", "the submission was refused before");
  impl.over = true;
  if (impl.state != Impl::State::kEnd) {
    impl.errors.Add("", impl.bytes == 0 ? "empty" : fmt::format("not JSON: it ends early, at byte {}", impl.bytes));
  } else {
    impl.members.Check(impl.toons, impl.errors);
  }
  if (!impl.errors.empty()) return std::unexpected(std::move(impl.errors).ToError("the submission"));
  return std::move(impl.members.envelope());
}

job::Position SubmissionReader::toon_count() const {
  return impl_->toons;
}

}  // namespace wire
