// A worker that wipes its environment but for KEPT, then shows what its memory and getenv still hold.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "sandbox/parent.h"

int main() {
  constexpr std::string_view kKeep[] = {"KEPT"};
  sandbox::ScrubEnvironment(kKeep);
  std::ifstream file("/proc/self/environ");
  const std::string shown((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const char* kept = std::getenv("KEPT");
  fmt::print("kept={} secret={} shown={} hidden={}\n", kept != nullptr ? kept : "-", std::getenv("SECRET") != nullptr,
             shown.find("hunter2") != std::string::npos, sandbox::HideMemory());
  return 0;
}
