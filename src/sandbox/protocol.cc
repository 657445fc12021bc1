#include "sandbox/protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>
#include <charconv>
#include <cstring>

#include "base/codec.h"

namespace sandbox {

namespace {

constexpr std::uint32_t kMagic = 0x31585455;  // "UTX1"
constexpr std::string_view kLevelOption = "--level=";
constexpr std::size_t kMaxMeasures = 64;
constexpr std::size_t kMaxMeasureNameBytes = 40;
constexpr std::size_t kMaxRefusalBytes = 200;

struct LimitOption {
  std::string_view name;  // with its equals sign
  std::uint64_t TaskLimits::* member;
};
constexpr LimitOption kLimitOptions[] = {
    {"--input-bytes=", &TaskLimits::max_input_bytes}, {"--image-pixels=", &TaskLimits::max_image_pixels},
    {"--memory-bytes=", &TaskLimits::memory_bytes},   {"--output-bytes=", &TaskLimits::output_bytes},
    {"--cpu-seconds=", &TaskLimits::cpu_seconds},     {"--wall-seconds=", &TaskLimits::wall_seconds}};
constexpr std::size_t kOptionCount = std::size(kLimitOptions) + 1;

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Which option it is (the last one is the level), if its value is good.
std::optional<std::size_t> ReadOption(std::string_view argument, ChildOptions& options) {
  for (std::size_t i = 0; i < std::size(kLimitOptions); ++i) {
    const LimitOption& option = kLimitOptions[i];
    if (!argument.starts_with(option.name)) continue;
    const auto value = ParseNumber(argument.substr(option.name.size()));
    if (!value) return std::nullopt;
    options.limits.*option.member = *value;
    return i;
  }
  if (!argument.starts_with(kLevelOption)) return std::nullopt;
  const auto* name = std::ranges::find(kLevelNames, argument.substr(kLevelOption.size()));
  if (name == std::end(kLevelNames)) return std::nullopt;
  options.level = static_cast<Level>(name - kLevelNames);
  return kOptionCount - 1;
}

void PutFailure(base::Encoder& out, const ports::ProcessorFailure& failure) {
  out.Varint(0);
  out.Varint(static_cast<std::uint64_t>(failure.blame));
  out.Text(failure.error.code);
  out.Text(std::string_view(failure.error.message).substr(0, job::kMaxErrorMessageBytes));
}

void PutOutput(base::Encoder& out, const ports::ProcessorOutput& output) {
  out.Varint(1);
  out.Text(output.result_json);
  out.Text(output.fingerprint ? base::View(*output.fingerprint) : std::string_view());
  out.Text(output.perceptual);
  out.Varint(output.artifacts.size());
  for (const ports::ArtifactBytes& artifact : output.artifacts) {
    out.Text(artifact.name);
    out.Text(artifact.content_type);
    out.Varint(artifact.bytes.size());
  }
}

}  // namespace

std::vector<std::string> ToArguments(const ChildOptions& options) {
  std::vector<std::string> arguments;
  for (const LimitOption& option : kLimitOptions) {
    arguments.push_back(fmt::format("{}{}", option.name, options.limits.*option.member));
  }
  arguments.push_back(fmt::format("{}{}", kLevelOption, kLevelNames[static_cast<std::size_t>(options.level)]));
  return arguments;
}

base::Result<ChildOptions> FromArguments(std::span<const char* const> arguments) {
  ChildOptions options;
  std::bitset<kOptionCount> seen;
  for (const std::string_view argument : arguments) {
    const auto which = ReadOption(argument, options);
    if (!which || seen.test(*which)) {
      return base::Fail(base::Code::kInvalid, fmt::format("option {} is not one of a pool's", argument));
    }
    seen.set(*which);
  }
  if (!seen.all()) return base::Fail(base::Code::kInvalid, "an executor is started by its pool, or with --version");
  return options;
}

std::array<char, kPrefixBytes> MakePrefix(std::size_t head_bytes) {
  std::array<char, kPrefixBytes> prefix{};
  const auto length = static_cast<std::uint32_t>(head_bytes);
  std::memcpy(prefix.data(), &kMagic, sizeof kMagic);
  std::memcpy(prefix.data() + sizeof kMagic, &length, sizeof length);
  return prefix;
}

std::optional<std::size_t> ReadPrefix(const std::array<char, kPrefixBytes>& prefix) {
  std::uint32_t magic = 0;
  std::uint32_t length = 0;
  std::memcpy(&magic, prefix.data(), sizeof magic);
  std::memcpy(&length, prefix.data() + sizeof magic, sizeof length);
  if (magic != kMagic) return std::nullopt;
  return length;
}

std::string EncodeTask(const ports::IsolatedTask& task) {
  base::Encoder out;
  out.Text(task.verb);
  out.Varint(task.operations->size());
  for (const ports::Operation& operation : *task.operations) {
    out.Text(operation.name);
    out.Text(operation.params_json);
  }
  out.Varint(task.inputs.size());
  for (const std::string_view input : task.inputs) out.Varint(input.size());
  return std::move(out).Take();
}

std::optional<TaskHead> DecodeTask(std::string_view head) {
  base::Decoder in(head);
  TaskHead task;
  task.verb = in.Text(job::kMaxTypeBytes);
  task.operations.resize(in.Count(job::kMaxOperationsPerToon));
  for (ports::Operation& operation : task.operations) {
    operation.name = in.Text(job::kMaxTypeBytes);
    operation.params_json = in.Text(kMaxOperationBytes);
  }
  task.input_bytes.resize(in.Count(job::kMaxSheetTiles));
  std::size_t total = 0;
  for (std::size_t& bytes : task.input_bytes) {
    bytes = in.Count(job::Limits{}.max_media_bytes);
    total += bytes;
  }
  if (!in.done() || total > job::Limits{}.max_media_bytes) return std::nullopt;
  return task;
}

std::string EncodeHello(const Hello& hello) {
  base::Encoder out;
  out.Text(std::string_view(hello.version).substr(0, kMaxVersionBytes));
  out.Varint(static_cast<std::uint64_t>(hello.level));
  out.Text(std::string_view(hello.refusal).substr(0, kMaxRefusalBytes));
  out.Varint(hello.measures.size());
  for (const auto& [name, taken] : hello.measures) {
    out.Text(name);
    out.Varint(taken ? 1 : 0);
  }
  return std::move(out).Take();
}

std::optional<Hello> DecodeHello(std::string_view head) {
  base::Decoder in(head);
  Hello hello;
  hello.version = CleanText(in.Text(kMaxVersionBytes), kMaxVersionBytes);
  hello.level = static_cast<Level>(in.Count(std::size(kLevelNames) - 1));
  hello.refusal = CleanText(in.Text(kMaxRefusalBytes), kMaxRefusalBytes);
  hello.measures.resize(in.Count(kMaxMeasures));
  for (auto& [name, taken] : hello.measures) {
    name = CleanText(in.Text(kMaxMeasureNameBytes), kMaxMeasureNameBytes);
    taken = in.Count(1) == 1;
  }
  if (!in.done()) return std::nullopt;
  return hello;
}

std::string EncodeReply(const Answer& answer) {
  base::Encoder out;
  if (answer) {
    PutOutput(out, *answer);
  } else {
    PutFailure(out, answer.error());
  }
  return std::move(out).Take();
}

std::string CleanText(std::string_view text, std::size_t most) {
  std::string clean(text.substr(0, most));
  for (char& c : clean) {
    if (!IsPrintable(c)) c = '?';
  }
  return clean;
}

}  // namespace sandbox
