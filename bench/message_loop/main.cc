// The work on a message and nothing else: every line of a file is parsed, brought into canonical form and hashed, by
// one thread, with the code that the worker uses. Prints the CPU time of one message.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/hash.h"
#include "wire/canonical_json.h"
#include "wire/strict_json.h"

namespace {

double CpuSeconds() {
  timespec spent{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

double SecondsOf(const std::vector<std::string>& lines) {
  wire::StrictParser parser;
  std::string canonical;
  unsigned seen = 0;  // so that no hash is left out
  const double started = CpuSeconds();
  for (const std::string& line : lines) {
    const auto element = parser.Parse(line);
    if (!element) throw std::runtime_error(element.error().message);
    canonical.clear();
    wire::AppendCanonical(*element, canonical);
    seen += base::Sha256Of(canonical)[0];
  }
  const double seconds = CpuSeconds() - started;
  if (seen == 0) throw std::runtime_error("nothing was hashed");
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The work's side of ./dev bench --only messages: parse, canonical form, SHA-256.");
  std::string file;
  app.add_option("file", file, "one JSON value a line")->required()->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  try {
    std::ifstream in(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    if (lines.empty()) throw std::runtime_error(file + " is empty");
    fmt::print("{{\"microseconds\":{:.4f}}}\n", 1e6 * SecondsOf(lines) / static_cast<double>(lines.size()));
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench-message-loop: {}\n", error.what());
    return 1;
  }
  return 0;
}
