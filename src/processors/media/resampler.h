// Decoded audio as interleaved samples of one rate and layout, whatever its frames turn into on the way: concatenated
// files change their rate or channels in the middle.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "processors/media/av.h"

namespace processors::media {

// A channel layout, owned.
class Layout {
 public:
  Layout() = default;
  explicit Layout(const AVChannelLayout& layout) {
    if (av_channel_layout_copy(&layout_, &layout) < 0) throw std::bad_alloc();
  }
  // libav's usual layout of so many channels.
  explicit Layout(int channels) { av_channel_layout_default(&layout_, channels); }
  ~Layout() { av_channel_layout_uninit(&layout_); }
  Layout(Layout&& other) noexcept : layout_(std::exchange(other.layout_, {})) {}
  Layout& operator=(Layout&& other) noexcept {
    std::swap(layout_, other.layout_);
    return *this;
  }
  [[nodiscard]] const AVChannelLayout& get() const { return layout_; }
  [[nodiscard]] int channels() const { return layout_.nb_channels; }

 private:
  AVChannelLayout layout_{};
};

enum class Filter : std::uint8_t {
  kDefault,
  kChromaprint,  // the short, steep filter that chromaprint's own tool asks libswresample for
};

// T: float or std::int16_t. Not thread-safe.
template <typename T>
class Resampler {
 public:
  Resampler(int rate, Layout layout, Filter filter = Filter::kDefault)
      : rate_(rate), layout_(std::move(layout)), filter_(filter) {}

  // Samples, interleaved, valid until the next call; fewer than went in while the filter fills. "invalid-media".
  [[nodiscard]] Processed<std::span<const T>> Convert(const AVFrame& frame);
  // What the filter still holds.
  [[nodiscard]] Processed<std::span<const T>> Flush();

  [[nodiscard]] int rate() const { return rate_; }
  [[nodiscard]] const Layout& layout() const { return layout_; }

 private:
  Processed<void> Configure(const AVFrame& frame);
  Processed<void> Append(const std::uint8_t** planes, int count);

  int rate_;
  Layout layout_;
  Filter filter_;
  AvPtr<SwrContext> swr_;
  int in_rate_ = 0;
  int in_format_ = AV_SAMPLE_FMT_NONE;
  Layout in_layout_;
  std::vector<T> samples_;
};

}  // namespace processors::media
