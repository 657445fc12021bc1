#include "compare.h"

#include <algorithm>
#include <optional>
#include <vips/vips8>

#include "files.h"

namespace bench {

namespace {

// Absent: the two cannot be laid over each other.
std::optional<double> MeanDifference(const std::string& one, const std::string& other) {
  const auto a = vips::VImage::new_from_buffer(one, "");
  const auto b = vips::VImage::new_from_buffer(other, "");
  if (a.width() != b.width() || a.height() != b.height() || a.bands() != b.bands()) return std::nullopt;
  return (a - b).abs().avg();
}

}  // namespace

Comparison CompareFolders(const std::filesystem::path& one, const std::filesystem::path& other) {
  Comparison found;
  double sum = 0;
  for (const std::string& file : ListFiles(one, ".webp")) {
    ++found.images;
    const std::filesystem::path twin = other / std::filesystem::path(file).filename();
    if (!std::filesystem::exists(twin)) {
      ++found.missing;
      continue;
    }
    const std::string a = ReadFile(file);
    const std::string b = ReadFile(twin);
    found.bytes += a.size();
    found.other_bytes += b.size();
    if (a == b) {
      ++found.identical;
      continue;
    }
    const std::optional<double> difference = MeanDifference(a, b);
    if (!difference) ++found.missing;
    sum += difference.value_or(0);
    found.worst = std::max(found.worst, difference.value_or(0));
  }
  const int compared = found.images - found.missing;
  found.mean = compared > 0 ? sum / compared : 0;
  return found;
}

}  // namespace bench
