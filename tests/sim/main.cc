// flow_sim                          the tests (GoogleTest's own options work)
// flow_sim --seed N [--trace]       one schedule again, with every step on standard output
// flow_sim --seeds A..B             all of [A, B]; the broken ones are named
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <charconv>
#include <cstdio>
#include <span>
#include <string_view>

#include "base/sanitizer.h"
#include "sim/world.h"

namespace sim {
namespace {

// 20 shards of 500 seeds: ctest runs each as a test of its own. A sanitizer is after memory, not after schedules.
constexpr std::uint64_t kShards = 20;
constexpr std::uint64_t kSeedsPerShard = base::kSanitized ? 25 : 500;

std::string Reproduction(std::uint64_t seed, std::string_view what) {
  return fmt::format("seed {}: {}\nagain: build/release/tests/flow_sim --seed {} --trace", seed, what, seed);
}

class Schedules : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Schedules, KeepThePromise) {
  for (std::uint64_t i = 0; i < kSeedsPerShard; ++i) {
    const std::uint64_t seed = GetParam() * kSeedsPerShard + i + 1;
    if (const auto broken = World(seed, false).Run()) ADD_FAILURE() << Reproduction(seed, *broken);
  }
}

INSTANTIATE_TEST_SUITE_P(Shards, Schedules, testing::Range<std::uint64_t>(0, kShards));

bool ParseNumber(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

int RunSeeds(std::uint64_t first, std::uint64_t last, bool trace) {
  std::uint64_t broken_seeds = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const auto broken = World(seed, trace).Run();
    if (!broken) continue;
    ++broken_seeds;
    fmt::print("{}\n", Reproduction(seed, *broken));
    std::fflush(stdout);
  }
  fmt::print("{} of {} schedules broke the promise\n", broken_seeds, last - first + 1);
  return broken_seeds == 0 ? 0 : 1;
}

// The exit code; nullopt: these are the test runner's arguments.
std::optional<int> RunCommand(std::span<char*> arguments) {
  std::optional<std::pair<std::uint64_t, std::uint64_t>> seeds;
  bool trace = false;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view option = arguments[i];
    const std::string_view value = i + 1 < arguments.size() ? arguments[i + 1] : "";
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    const std::size_t dots = value.find("..");
    if (option == "--trace") {
      trace = true;
    } else if (option == "--seed" && ParseNumber(value, first)) {
      seeds = {first, first};
      ++i;
    } else if (option == "--seeds" && dots != std::string_view::npos && ParseNumber(value.substr(0, dots), first) &&
               ParseNumber(value.substr(dots + 2), last) && first <= last) {
      seeds = {first, last};
      ++i;
    } else if (seeds || trace || option.starts_with("--seed")) {
      fmt::print(stderr, "usage: flow_sim --seed N [--trace] | --seeds A..B\n");
      return 2;
    }
  }
  if (!seeds) return std::nullopt;
  return RunSeeds(seeds->first, seeds->second, trace);
}

}  // namespace
}  // namespace sim

int main(int argc, char** argv) {
  if (const auto code = sim::RunCommand({argv, static_cast<std::size_t>(argc)})) return *code;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
