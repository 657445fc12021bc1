// The flow's figures for Prometheus (text format 0.0.4). Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "ports/metrics.h"

namespace local {

class PrometheusMetrics final : public ports::Metrics {
 public:
  PrometheusMetrics();
  ~PrometheusMetrics() override;
  void JobAccepted() override;
  void JobEnded(job::JobStatus status, std::chrono::microseconds since_submitted) override;
  void ChunkEnded(std::string_view work_class, std::string_view result, std::chrono::microseconds taken) override;
  void RecordTook(std::chrono::microseconds taken) override;
  void ToonsRecorded(job::ToonState state, std::uint64_t count) override;
  void ToonDuration(std::string_view type, std::chrono::microseconds duration) override;
  void ToonFailed(std::string_view code) override;
  void ToonsReused(std::uint64_t count) override;
  void ToonsRefused(std::uint64_t count) override;
  void Quarantined(std::uint64_t count) override;

  // Read when scraped. `name` and `help` by Prometheus' conventions; kCounter only grows. Several with one name have
  // different labels.
  enum class Kind : bool { kGauge, kCounter };
  void Watch(std::string name, std::string help, Kind kind, std::function<double()> read,
             const std::map<std::string, std::string>& labels = {});
  [[nodiscard]] std::string Render();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace local
