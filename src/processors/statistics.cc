#include "processors/statistics.h"

#include <algorithm>
#include <cmath>

namespace processors {

namespace {

constexpr double kMadToSigma = 0.6745;       // the normal distribution's third quartile
constexpr double kMeanDeviation = 1.253314;  // sqrt(pi / 2)

}  // namespace

double Quantile(std::vector<double>& values, double share) {
  const double rank = share * static_cast<double>(values.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(rank), values.size() - 1);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(values.begin(), at, values.end());
  const double low = *at;
  const double fraction = rank - static_cast<double>(below);
  if (fraction <= 0 || below + 1 == values.size()) return low;
  const double high = *std::min_element(at + 1, values.end());
  return low + fraction * (high - low);
}

Description Describe(std::vector<double>& values, std::span<const double> percentiles) {
  Description out{.count = values.size(), .min = values.front(), .max = values.front()};
  double squares = 0;
  double count = 0;
  for (const double value : values) {
    out.min = std::min(out.min, value);
    out.max = std::max(out.max, value);
    const double delta = value - out.mean;
    out.mean += delta / ++count;
    squares += delta * (value - out.mean);
  }
  out.stddev = count > 1 ? std::sqrt(squares / (count - 1)) : 0;
  for (const double percent : percentiles) out.percentiles.push_back(Quantile(values, percent / 100));
  return out;
}

double DefaultThreshold(AnomalyMethod method) {
  return method == AnomalyMethod::kMad ? 3.5 : 1.5;
}

Scoring ScoringOf(std::vector<double>& values, AnomalyMethod method) {
  if (values.size() < kLeastForAnomalies) return {};
  if (method == AnomalyMethod::kIqr) {
    const double low = Quantile(values, 0.25);
    const double high = Quantile(values, 0.75);
    return {.centre_low = low, .centre_high = high, .scale = high - low};
  }
  const double median = Quantile(values, 0.5);
  double sum = 0;
  for (double& value : values) {
    value = std::abs(value - median);
    sum += value;
  }
  const double mad = Quantile(values, 0.5);
  const double scale = mad > 0 ? mad / kMadToSigma : kMeanDeviation * sum / static_cast<double>(values.size());
  return {.centre_low = median, .centre_high = median, .scale = std::isfinite(scale) ? scale : 0};
}

}  // namespace processors
