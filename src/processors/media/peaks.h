// The outline of a sound of unknown length, in bounded memory: least and greatest sample of equal stretches. Stretches
// double whenever there are too many of them, so that the outline depends on the samples alone, not on how they came.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace processors::media {

struct Peak {
  float least = 0;  // -1 to 1
  float most = 0;
  bool operator==(const Peak&) const = default;
};

class Peaks {
 public:
  // Interleaved samples; those of all channels count together.
  void Add(std::span<const float> samples, std::size_t channels);
  // The outline in at most `count` columns of (nearly) equal length; fewer for fewer samples.
  [[nodiscard]] std::vector<Peak> Columns(std::size_t count) const;

 private:
  static constexpr std::size_t kMost = 8192;  // stretches: twice the widest picture drawn of them

  void Close();

  std::vector<Peak> stretches_;
  std::size_t length_ = 1;  // samples (of each channel) in a stretch
  Peak open_;               // the stretch that is not full yet
  std::size_t filled_ = 0;
};

}  // namespace processors::media
