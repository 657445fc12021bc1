// What is measured of a sound while it is decoded: loudness after EBU R 128 (libebur128), the waveform's outline and
// the chromaprint fingerprint.
#pragma once

#include <chromaprint.h>
#include <ebur128.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "processors/media/decode.h"
#include "processors/media/peaks.h"
#include "processors/media/resampler.h"

namespace processors::media {

struct Loudness {
  std::optional<double> integrated_lufs;  // absent: nothing above the gate of -70 LUFS, or under 400 ms
  std::optional<double> range_lu;
  std::optional<double> true_peak_dbtp;  // absent: digital silence
  std::optional<double> sample_peak_db;
};

struct AudioReport {
  int sample_rate = 0;
  int channels = 0;
  std::string layout;  // "stereo", "5.1" …
  double seconds = 0;  // of decoded sound
  double start = 0;    // when it begins, after the file's start
  Loudness loudness;
  bool silent = false;  // no sample reaches kSilentDb
  Peaks peaks;
  std::string fingerprint;  // chromaprint's base64 of the first kFingerprintSeconds; empty: too short
  std::uint32_t fingerprint_hash = 0;
};

inline constexpr double kSilentDb = -70;         // dBFS: the absolute gate of EBU R 128
inline constexpr int kFingerprintSeconds = 120;  // as fpcalc's default

// Not thread-safe.
class AudioAnalysis final : public FrameSink {
 public:
  // file_start: the timestamp, in seconds, from which `start` is counted.
  explicit AudioAnalysis(double file_start) : file_start_(file_start) {}

  // "too-long", "unsupported-audio" (rates and channels out of range), "invalid-media".
  [[nodiscard]] Processed<void> Take(const AVFrame& frame, AVRational time_base) override;
  [[nodiscard]] bool started() const { return measured_ != nullptr; }  // a frame has come
  // Once, last, after at least one frame.
  [[nodiscard]] Processed<AudioReport> Finish();

 private:
  struct LoudnessFree {
    void operator()(ebur128_state* state) const { ebur128_destroy(&state); }
  };
  struct PrintFree {
    void operator()(ChromaprintContext* context) const { chromaprint_free(context); }
  };

  Processed<void> Start(const AVFrame& frame);
  Processed<void> Measure(std::span<const float> samples);
  Processed<void> Print(std::span<const std::int16_t> samples);
  Processed<void> FinishPrint();
  [[nodiscard]] Loudness ReadLoudness() const;

  const double file_start_;
  std::unique_ptr<Resampler<float>> measured_;  // from the first frame on, like those below
  std::unique_ptr<Resampler<std::int16_t>> printed_;
  std::unique_ptr<ebur128_state, LoudnessFree> loudness_;
  std::unique_ptr<ChromaprintContext, PrintFree> print_;
  std::uint64_t samples_ = 0;        // of each channel
  std::uint64_t print_samples_ = 0;  // still wanted for the fingerprint
  std::vector<float> clean_;
  AudioReport report_;
};

}  // namespace processors::media
