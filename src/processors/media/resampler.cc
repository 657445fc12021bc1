#include "processors/media/resampler.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace processors::media {

namespace {

template <typename T>
constexpr AVSampleFormat kFormat = AV_SAMPLE_FMT_FLT;
template <>
constexpr AVSampleFormat kFormat<std::int16_t> = AV_SAMPLE_FMT_S16;

// libswresample 4 asks for layouts that it may change, and does not change them.
AVChannelLayout* Mutable(const Layout& layout) {
  return const_cast<AVChannelLayout*>(&layout.get());
}

// As fpcalc does (chromaprint's ffmpeg_audio_processor_swresample.h): its fingerprints are the ones in databases.
void UseChromaprintFilter(SwrContext* swr) {
  if (av_opt_set_int(swr, "filter_size", 16, 0) < 0 || av_opt_set_int(swr, "phase_shift", 8, 0) < 0 ||
      av_opt_set_int(swr, "linear_interp", 1, 0) < 0 || av_opt_set_double(swr, "cutoff", 0.8, 0) < 0) {
    throw std::bad_alloc();
  }
}

}  // namespace

template <typename T>
Processed<void> Resampler<T>::Configure(const AVFrame& frame) {
  Layout layout =
      frame.ch_layout.order == AV_CHANNEL_ORDER_UNSPEC ? Layout(frame.ch_layout.nb_channels) : Layout(frame.ch_layout);
  SwrContext* made = nullptr;
  int error = swr_alloc_set_opts2(&made, Mutable(layout_), kFormat<T>, rate_, Mutable(layout),
                                  static_cast<AVSampleFormat>(frame.format), frame.sample_rate, 0, nullptr);
  swr_.reset(made);
  if (error < 0) return RefuseAv("the audio cannot be converted", error);
  if (filter_ == Filter::kChromaprint) UseChromaprintFilter(swr_.get());
  error = swr_init(swr_.get());
  if (error < 0) return RefuseAv("the audio cannot be converted", error);
  in_rate_ = frame.sample_rate;
  in_format_ = frame.format;
  in_layout_ = Layout(frame.ch_layout);
  return {};
}

template <typename T>
Processed<void> Resampler<T>::Append(const std::uint8_t** planes, int count) {
  const int most = swr_get_out_samples(swr_.get(), count);
  if (most < 0) return RefuseAv("the audio cannot be converted", most);
  const auto channels = static_cast<std::size_t>(layout_.channels());
  const std::size_t before = samples_.size();
  samples_.resize(before + static_cast<std::size_t>(most) * channels);
  auto* out = reinterpret_cast<std::uint8_t*>(samples_.data() + before);
  const int got = swr_convert(swr_.get(), &out, most, planes, count);
  if (got < 0) return RefuseAv("the audio cannot be converted", got);
  samples_.resize(before + static_cast<std::size_t>(got) * channels);
  return {};
}

template <typename T>
Processed<std::span<const T>> Resampler<T>::Convert(const AVFrame& frame) {
  samples_.clear();
  const bool same = swr_ != nullptr && in_rate_ == frame.sample_rate && in_format_ == frame.format &&
                    av_channel_layout_compare(&in_layout_.get(), &frame.ch_layout) == 0;
  if (!same) {
    if (swr_ != nullptr) {
      if (auto rest = Append(nullptr, 0); !rest) return std::unexpected(rest.error());
    }
    if (auto configured = Configure(frame); !configured) return std::unexpected(configured.error());
  }
  auto** planes = const_cast<const std::uint8_t**>(frame.extended_data);
  if (auto appended = Append(planes, frame.nb_samples); !appended) return std::unexpected(appended.error());
  return std::span<const T>(samples_);
}

template <typename T>
Processed<std::span<const T>> Resampler<T>::Flush() {
  samples_.clear();
  if (swr_ != nullptr) {
    if (auto rest = Append(nullptr, 0); !rest) return std::unexpected(rest.error());
  }
  return std::span<const T>(samples_);
}

template class Resampler<float>;
template class Resampler<std::int16_t>;

}  // namespace processors::media
