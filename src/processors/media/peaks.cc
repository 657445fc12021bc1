#include "processors/media/peaks.h"

#include <algorithm>

namespace processors::media {

namespace {

Peak Joined(const Peak& a, const Peak& b) {
  return {std::min(a.least, b.least), std::max(a.most, b.most)};
}

}  // namespace

void Peaks::Add(std::span<const float> samples, std::size_t channels) {
  while (samples.size() >= channels) {
    const std::size_t frames = std::min(length_ - filled_, samples.size() / channels);
    const auto stretch = samples.first(frames * channels);
    Peak seen{stretch.front(), stretch.front()};
    for (const float sample : stretch) {
      seen.least = sample < seen.least ? sample : seen.least;
      seen.most = sample > seen.most ? sample : seen.most;
    }
    seen = {std::clamp(seen.least, -1.0F, 1.0F), std::clamp(seen.most, -1.0F, 1.0F)};
    open_ = filled_ == 0 ? seen : Joined(open_, seen);
    filled_ += frames;
    samples = samples.subspan(frames * channels);
    if (filled_ == length_) Close();
  }
}

void Peaks::Close() {
  stretches_.push_back(open_);
  filled_ = 0;
  if (stretches_.size() < kMost) return;
  for (std::size_t i = 0; i < kMost / 2; ++i) stretches_[i] = Joined(stretches_[2 * i], stretches_[2 * i + 1]);
  stretches_.resize(kMost / 2);
  length_ *= 2;
}

std::vector<Peak> Peaks::Columns(std::size_t count) const {
  std::vector<Peak> all = stretches_;
  if (filled_ > 0) all.push_back(open_);
  count = std::min(count, all.size());
  std::vector<Peak> columns;
  columns.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    Peak column = all[i * all.size() / count];
    for (std::size_t j = i * all.size() / count + 1; j < (i + 1) * all.size() / count; ++j) {
      column = Joined(column, all[j]);
    }
    columns.push_back(column);
  }
  return columns;
}

}  // namespace processors::media
