#include "local/machine_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string_view>

namespace local {

namespace {

std::optional<std::uint64_t> NumberIn(const std::string& path) {
  std::uint64_t number = 0;
  std::ifstream file(path);
  if (!(file >> number)) return std::nullopt;  // "max" too
  return number;
}

std::optional<std::uint64_t> MemAvailable(const std::string& root) {
  std::ifstream file(root + "/proc/meminfo");
  std::string key;
  std::uint64_t kilobytes = 0;
  while (file >> key) {
    if (key == "MemAvailable:" && file >> kilobytes) return kilobytes * 1024;
    file.ignore(4096, '\n');
  }
  return std::nullopt;
}

// A line "key number" of a control group's memory.stat; 0 where there is none.
std::uint64_t StatOf(const std::string& path, std::string_view wanted) {
  std::ifstream file(path);
  std::string key;
  std::uint64_t number = 0;
  while (file >> key >> number) {
    if (key == wanted) return number;
  }
  return 0;
}

struct Hierarchy {
  std::string folder;  // of the control group
  std::string top;     // and of the highest one that we see
  std::string_view limit;
  std::string_view used;
  std::string_view cache;  // in memory.stat: pages of files that nobody used lately, dropped before anybody dies
};

// Of one line of /proc/self/cgroup: "0::/a/b" (v2) or "7:memory:/a/b" (v1).
std::optional<Hierarchy> HierarchyOf(const std::string& root, std::string_view line) {
  const std::size_t name = line.find(':');
  const std::size_t path = name == std::string_view::npos ? name : line.find(':', name + 1);
  if (path == std::string_view::npos) return std::nullopt;
  const std::string_view controllers = line.substr(name + 1, path - name - 1);
  const bool second = controllers.empty();
  if (!second && controllers != "memory") return std::nullopt;
  std::string top = root + (second ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory");
  return Hierarchy{.folder = top + std::string(line.substr(path + 1)),
                   .top = top,
                   .limit = second ? "memory.max" : "memory.limit_in_bytes",
                   .used = second ? "memory.current" : "memory.usage_in_bytes",
                   .cache = second ? "inactive_file" : "total_inactive_file"};
}

}  // namespace

std::optional<std::uint64_t> AvailableMemory(const std::string& root) {
  std::optional<std::uint64_t> least = MemAvailable(root);
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    auto at = HierarchyOf(root, line);
    if (!at) continue;
    for (;;) {
      const auto limit = NumberIn(fmt::format("{}/{}", at->folder, at->limit));
      const auto used = NumberIn(fmt::format("{}/{}", at->folder, at->used));
      if (limit && used) {
        const std::uint64_t needed = *used - std::min(*used, StatOf(at->folder + "/memory.stat", at->cache));
        const std::uint64_t left = *limit > needed ? *limit - needed : 0;
        least = std::min(least.value_or(left), left);
      }
      if (at->folder.size() <= at->top.size()) break;
      at->folder.resize(std::max(at->top.size(), at->folder.rfind('/')));
    }
  }
  return least;
}

std::uint64_t DefaultMemoryBudget(std::uint64_t available) {
  return std::max(kLeastDefaultBudget, available / 4 * 3);
}

}  // namespace local
