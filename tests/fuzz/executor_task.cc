// What an executor child reads: a frame's prefix and head, and the options it is started with.
#include <cstring>

#include "fuzz/fuzz.h"
#include "sandbox/protocol.h"

namespace {

void CheckTask(std::string_view bytes) {
  std::array<char, sandbox::kPrefixBytes> prefix{};
  if (bytes.size() < prefix.size()) return;
  std::memcpy(prefix.data(), bytes.data(), prefix.size());
  const auto length = sandbox::ReadPrefix(prefix);
  if (length) fuzz::Require(sandbox::MakePrefix(*length) == prefix, "a prefix has one form");
  // The length is the fuzzer's to guess; the head is what follows.
  const auto task = sandbox::DecodeTask(bytes.substr(prefix.size()));
  if (!task) return;
  std::size_t total = 0;
  ports::IsolatedTask again{.tenant = {}, .verb = task->verb, .operations = &task->operations, .inputs = {}};
  for (const std::size_t size : task->input_bytes) {
    total += size;
    again.inputs.emplace_back(bytes.data(), size);  // EncodeTask looks at the sizes only
  }
  fuzz::Require(total <= job::Limits{}.max_media_bytes, "inputs stay within their limit");
  const auto decoded = sandbox::DecodeTask(sandbox::EncodeTask(again));
  fuzz::Require(decoded && decoded->verb == task->verb && decoded->operations == task->operations &&
                    decoded->input_bytes == task->input_bytes,
                "a task written again is the same");
}

void CheckOptions(std::string_view text) {
  std::vector<std::string> arguments;
  while (!text.empty()) {
    const auto [argument, rest] = fuzz::Cut(text, "\n");
    arguments.emplace_back(argument);
    text = rest;
  }
  std::vector<const char*> pointers;
  pointers.reserve(arguments.size());
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  const auto options = sandbox::FromArguments(pointers);
  if (!options) return;
  const auto written = sandbox::ToArguments(*options);
  pointers.clear();
  for (const std::string& argument : written) pointers.push_back(argument.c_str());
  const auto again = sandbox::FromArguments(pointers);
  fuzz::Require(again && again->level == options->level && sandbox::ToArguments(*again) == written,
                "options written again are the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  CheckTask(fuzz::Text(data, size));
  CheckOptions(fuzz::Text(data, size));
  return 0;
}
