// Figures about samples of doubles. Pure; thread-safe. Samples are finite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace processors {

struct Description {
  std::uint64_t count = 0;
  double min = 0;
  double max = 0;
  double mean = 0;
  double stddev = 0;                // of a sample (n - 1); 0 for one value
  std::vector<double> percentiles;  // as asked for
};

// Welford's method for mean and deviation: B. P. Welford, Technometrics 4(3), 1962. `values` is reordered. At least one
// value.
[[nodiscard]] Description Describe(std::vector<double>& values, std::span<const double> percentiles);

// Exact quantile by linear interpolation of order statistics, type 7 of Hyndman & Fan, The American Statistician 50(4),
// 1996 (what R and NumPy do unless told otherwise). share in 0..1; `values` is reordered; at least one value.
[[nodiscard]] double Quantile(std::vector<double>& values, double share);

enum class AnomalyMethod : std::uint8_t { kMad, kIqr };
inline constexpr std::string_view kAnomalyMethodNames[] = {"mad", "iqr"};
inline constexpr std::size_t kLeastForAnomalies = 5;  // fewer values have no "usual"

// How to score values so that |score| > threshold is an anomaly.
// kMad: the modified z-score 0.6745 (x - median) / MAD of Iglewicz & Hoaglin, "How to Detect and Handle Outliers",
// 1993, with threshold 3.5; when MAD is 0, (x - median) / (1.253314 mean absolute deviation). kIqr: Tukey's fences: how
// many interquartile ranges x lies outside the box; threshold 1.5.
struct Scoring {
  double centre_low = 0;  // scores are 0 between the two
  double centre_high = 0;
  double scale = 0;  // 0: nothing is an anomaly
  [[nodiscard]] double Score(double value) const {
    if (scale == 0) return 0;
    if (value > centre_high) return (value - centre_high) / scale;
    return value < centre_low ? (value - centre_low) / scale : 0;
  }
};
[[nodiscard]] double DefaultThreshold(AnomalyMethod method);
// `values` is reordered.
[[nodiscard]] Scoring ScoringOf(std::vector<double>& values, AnomalyMethod method);

}  // namespace processors
