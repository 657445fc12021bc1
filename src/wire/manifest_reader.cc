// The same checks as of a submission's toons, over the lines of an uploaded manifest (docs/formats/manifest.md).
#include <fmt/format.h>

#include <cstring>

#include "wire/submission.h"
#include "wire/toon_checker.h"
#include "wire/value_scanner.h"

namespace wire {

namespace {

constexpr std::string_view kWhat = "the manifest";
constexpr std::string_view kSpaces = " \t\r\n";

}  // namespace

struct ManifestReader::Impl {
  Impl(const SubmissionRules& rules, Sink& sink)
      : limits(*rules.limits), sink(sink), rules(rules), checker(this->rules) {}

  base::Status Write(std::string_view piece);
  base::Status EndLine(std::uint64_t length);

  const job::Limits& limits;
  Sink& sink;
  const SubmissionRules rules;
  ToonChecker checker;
  FieldErrors errors;
  LineBuffer line;
  job::Position lines = 0;
  std::uint64_t offset = 0;  // of the line at hand
  bool over = false;
};

// length: of the line with its newline, if it has one.
base::Status ManifestReader::Impl::EndLine(std::uint64_t length) {
  const job::Position position = lines;
  if (position >= limits.max_toons) return std::unexpected(TooLarge("", "max_toons", limits.max_toons));
  ++lines;
  const std::uint64_t start = offset;
  offset += length;
  ToonView toon;
  bool good = false;
  if (line.view().find_first_not_of(kSpaces) == std::string_view::npos) {
    errors.Add(fmt::format("/{}", position), "a blank line");
  } else {
    good = checker.Check(line.view(), "/", position, toon, errors);
  }
  if (errors.full()) return std::unexpected(std::move(errors).ToError(kWhat));
  if (!good || !errors.empty()) return {};
  auto taken = sink.OnToon(position, toon, start, length);
  if (taken || toon.source != ToonView::Source::kUri) return taken;
  return std::unexpected(AtUri(std::move(taken).error(), fmt::format("/{}/uri", position)));
}

base::Status ManifestReader::Impl::Write(std::string_view piece) {
  while (!piece.empty()) {
    const auto* newline = static_cast<const char*>(std::memchr(piece.data(), '\n', piece.size()));
    const std::size_t size = newline == nullptr ? piece.size() : static_cast<std::size_t>(newline - piece.data());
    if (line.size() + size > limits.max_toon_bytes) {
      return std::unexpected(TooLarge(fmt::format("/{}", lines), "max_toon_bytes", limits.max_toon_bytes));
    }
    line.Append(piece.data(), size);
    if (newline == nullptr) return {};
    if (offset + line.size() + 1 > limits.max_manifest_bytes) {
      return std::unexpected(TooLarge("", "max_manifest_bytes", limits.max_manifest_bytes));
    }
    piece.remove_prefix(size + 1);
    UT_TRY(EndLine(line.size() + 1));
    line.Clear();
  }
  return {};
}

ManifestReader::ManifestReader(const SubmissionRules& rules, Sink& sink) : impl_(std::make_unique<Impl>(rules, sink)) {}
ManifestReader::~ManifestReader() = default;

base::Status ManifestReader::Write(std::string_view piece) {
  if (impl_->over) return base::FailAt("", "the manifest was refused before");
  auto status = impl_->Write(piece);
  impl_->over = !status;
  return status;
}

base::Result<job::Position> ManifestReader::Finish() {
  Impl& impl = *impl_;
  if (impl.over) return base::FailAt("", "the manifest was refused before");
  impl.over = true;
  if (impl.line.size() > 0) {
    if (impl.offset + impl.line.size() > impl.limits.max_manifest_bytes) {
      return std::unexpected(TooLarge("", "max_manifest_bytes", impl.limits.max_manifest_bytes));
    }
    UT_TRY(impl.EndLine(impl.line.size()));
  }
  if (impl.lines == 0) impl.errors.Add("", "must hold at least one toon");
  if (!impl.errors.empty()) return std::unexpected(std::move(impl.errors).ToError(kWhat));
  return impl.lines;
}

}  // namespace wire
