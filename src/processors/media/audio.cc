#include "processors/media/audio.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "job/limits.h"

namespace processors::media {

namespace {

constexpr int kMinRate = 1'000;    // Hz: below, loudness has no meaning
constexpr int kMaxRate = 768'000;  // the highest that sound cards know
constexpr int kMaxChannels = 64;   // libebur128's own limit
constexpr float kMaxSample = 64;   // full scale is 1: what lies so far beyond is a broken file's float
constexpr std::size_t kLayoutBytes = 64;

// How BS.1770-4 weighs a channel. The rear pair counts as surround, except where a side pair does already.
int WeighedAs(AVChannel channel, bool has_sides) {
  switch (channel) {
    case AV_CHAN_FRONT_LEFT:
      return EBUR128_LEFT;
    case AV_CHAN_FRONT_RIGHT:
      return EBUR128_RIGHT;
    case AV_CHAN_FRONT_CENTER:
      return EBUR128_CENTER;
    case AV_CHAN_LOW_FREQUENCY:
    case AV_CHAN_LOW_FREQUENCY_2:
      return EBUR128_UNUSED;
    case AV_CHAN_SIDE_LEFT:
      return EBUR128_LEFT_SURROUND;
    case AV_CHAN_SIDE_RIGHT:
      return EBUR128_RIGHT_SURROUND;
    case AV_CHAN_BACK_LEFT:
      return has_sides ? EBUR128_Mp135 : EBUR128_LEFT_SURROUND;
    case AV_CHAN_BACK_RIGHT:
      return has_sides ? EBUR128_Mm135 : EBUR128_RIGHT_SURROUND;
    default:
      return EBUR128_CENTER;  // weight 1
  }
}

void WeighChannels(ebur128_state* state, const AVChannelLayout& layout) {
  const bool has_sides = av_channel_layout_index_from_channel(&layout, AV_CHAN_SIDE_LEFT) >= 0;
  for (int i = 0; i < layout.nb_channels; ++i) {
    const AVChannel channel = av_channel_layout_channel_from_index(&layout, static_cast<unsigned>(i));
    static_cast<void>(ebur128_set_channel(state, static_cast<unsigned>(i), WeighedAs(channel, has_sides)));
  }
}

std::optional<double> Finite(double value) {
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

}  // namespace

Processed<void> AudioAnalysis::Start(const AVFrame& frame) {
  const int channels = frame.ch_layout.nb_channels;
  if (frame.sample_rate < kMinRate || frame.sample_rate > kMaxRate || channels < 1 || channels > kMaxChannels) {
    return Refuse("unsupported-audio",
                  fmt::format("{} channels of {} Hz are out of range", channels, frame.sample_rate));
  }
  const bool known = frame.ch_layout.order != AV_CHANNEL_ORDER_UNSPEC;
  measured_ = std::make_unique<Resampler<float>>(frame.sample_rate, known ? Layout(frame.ch_layout) : Layout(channels));
  constexpr int kModes = EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_TRUE_PEAK;
  loudness_.reset(ebur128_init(static_cast<unsigned>(channels), static_cast<unsigned long>(frame.sample_rate), kModes));
  print_.reset(chromaprint_new(CHROMAPRINT_ALGORITHM_DEFAULT));
  if (loudness_ == nullptr || print_ == nullptr) return RefuseMemory();
  WeighChannels(loudness_.get(), measured_->layout().get());

  const int print_rate = chromaprint_get_sample_rate(print_.get());
  const int print_channels = chromaprint_get_num_channels(print_.get());
  if (chromaprint_start(print_.get(), print_rate, print_channels) != 1) return RefuseMemory();
  printed_ = std::make_unique<Resampler<std::int16_t>>(print_rate, Layout(print_channels), Filter::kChromaprint);
  print_samples_ = static_cast<std::uint64_t>(print_rate) * kFingerprintSeconds;

  report_.sample_rate = frame.sample_rate;
  report_.channels = channels;
  char name[kLayoutBytes] = {};
  if (av_channel_layout_describe(&measured_->layout().get(), name, sizeof name) >= 0) report_.layout = name;
  return {};
}

Processed<void> AudioAnalysis::Take(const AVFrame& frame, AVRational time_base) {
  if (measured_ == nullptr) {
    if (auto started = Start(frame); !started) return started;
    const std::int64_t at = frame.best_effort_timestamp;
    if (at != AV_NOPTS_VALUE) report_.start = std::max(0.0, static_cast<double>(at) * av_q2d(time_base) - file_start_);
  }
  auto samples = measured_->Convert(frame);
  if (!samples) return std::unexpected(samples.error());
  if (auto measured = Measure(*samples); !measured) return measured;
  if (print_samples_ == 0) return {};
  auto printed = printed_->Convert(frame);
  if (!printed) return std::unexpected(printed.error());
  return Print(*printed);
}

Processed<void> AudioAnalysis::Measure(std::span<const float> samples) {
  const auto channels = static_cast<std::size_t>(report_.channels);
  clean_.resize(samples.size());
  std::ranges::transform(samples, clean_.begin(),
                         [](float sample) { return std::abs(sample) <= kMaxSample ? sample : 0.0F; });
  report_.peaks.Add(clean_, channels);
  if (ebur128_add_frames_float(loudness_.get(), clean_.data(), clean_.size() / channels) != EBUR128_SUCCESS) {
    return RefuseMemory();
  }
  samples_ += clean_.size() / channels;
  report_.seconds = static_cast<double>(samples_) / report_.sample_rate;
  if (report_.seconds > static_cast<double>(job::kMaxMediaDuration.count())) {
    return Refuse("too-long", fmt::format("the sound lasts over {} s", job::kMaxMediaDuration.count()));
  }
  return {};
}

Processed<void> AudioAnalysis::Print(std::span<const std::int16_t> samples) {
  const auto wanted = samples.first(std::min<std::size_t>(samples.size(), print_samples_));
  print_samples_ -= wanted.size();
  if (wanted.empty()) return {};
  if (chromaprint_feed(print_.get(), wanted.data(), static_cast<int>(wanted.size())) != 1) return RefuseMemory();
  return {};
}

Processed<void> AudioAnalysis::FinishPrint() {
  if (print_samples_ > 0) {
    auto rest = printed_->Flush();
    if (!rest) return std::unexpected(rest.error());
    if (auto printed = Print(*rest); !printed) return printed;
  }
  int items = 0;
  if (chromaprint_finish(print_.get()) != 1 || chromaprint_get_raw_fingerprint_size(print_.get(), &items) != 1) {
    return RefuseMemory();
  }
  if (items == 0) return {};
  char* text = nullptr;
  if (chromaprint_get_fingerprint(print_.get(), &text) != 1 ||
      chromaprint_get_fingerprint_hash(print_.get(), &report_.fingerprint_hash) != 1) {
    chromaprint_dealloc(text);
    return RefuseMemory();
  }
  report_.fingerprint = text;
  chromaprint_dealloc(text);
  return {};
}

Loudness AudioAnalysis::ReadLoudness() const {
  Loudness loudness;
  double value = 0;
  if (ebur128_loudness_global(loudness_.get(), &value) == EBUR128_SUCCESS) loudness.integrated_lufs = Finite(value);
  if (loudness.integrated_lufs && ebur128_loudness_range(loudness_.get(), &value) == EBUR128_SUCCESS) {
    loudness.range_lu = Finite(value);
  }
  double true_peak = 0;
  double sample_peak = 0;
  for (unsigned i = 0; i < static_cast<unsigned>(report_.channels); ++i) {
    if (ebur128_true_peak(loudness_.get(), i, &value) == EBUR128_SUCCESS) true_peak = std::max(true_peak, value);
    if (ebur128_sample_peak(loudness_.get(), i, &value) == EBUR128_SUCCESS) sample_peak = std::max(sample_peak, value);
  }
  loudness.true_peak_dbtp = Finite(20 * std::log10(true_peak));
  loudness.sample_peak_db = Finite(20 * std::log10(sample_peak));
  return loudness;
}

Processed<AudioReport> AudioAnalysis::Finish() {
  auto rest = measured_->Flush();
  if (!rest) return std::unexpected(rest.error());
  if (auto measured = Measure(*rest); !measured) return std::unexpected(measured.error());
  if (auto printed = FinishPrint(); !printed) return std::unexpected(printed.error());
  report_.loudness = ReadLoudness();
  report_.silent = report_.loudness.sample_peak_db.value_or(kSilentDb - 1) < kSilentDb;
  return std::move(report_);
}

}  // namespace processors::media
