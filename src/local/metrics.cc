#include "local/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace local {

namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;
const Buckets kToonBuckets{1e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 2.5e-2, 0.1, 0.5, 2.5, 10};
const Buckets kChunkBuckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60};
const Buckets kCommitBuckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5};
const Buckets kJobBuckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800};
// Error codes come from custom processors too: past so many different ones they are counted together.
constexpr std::size_t kMaxCodes = 100;

double Seconds(std::chrono::microseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

struct PrometheusMetrics::Impl {
  prometheus::Registry registry;
  prometheus::Counter& accepted = prometheus::BuildCounter()
                                      .Name("ubertoons_jobs_accepted_total")
                                      .Help("Jobs answered with 202.")
                                      .Register(registry)
                                      .Add({});
  prometheus::Family<prometheus::Histogram>& jobs = prometheus::BuildHistogram()
                                                        .Name("ubertoons_job_duration_seconds")
                                                        .Help("From submission to the end of a job, by status.")
                                                        .Register(registry);
  prometheus::Family<prometheus::Histogram>& chunks = prometheus::BuildHistogram()
                                                          .Name("ubertoons_chunk_duration_seconds")
                                                          .Help("From handing a chunk to a worker to its answer.")
                                                          .Register(registry);
  prometheus::Histogram& commits = prometheus::BuildHistogram()
                                       .Name("ubertoons_commit_duration_seconds")
                                       .Help("Committing one chunk's outcomes, synced: waiting for the group included.")
                                       .Register(registry)
                                       .Add({}, kCommitBuckets);
  prometheus::Family<prometheus::Counter>& toons = prometheus::BuildCounter()
                                                       .Name("ubertoons_toons_recorded_total")
                                                       .Help("Outcomes recorded, by state.")
                                                       .Register(registry);
  prometheus::Family<prometheus::Histogram>& durations =
      prometheus::BuildHistogram()
          .Name("ubertoons_toon_duration_seconds")
          .Help("Processing of one toon, by type (sampled: one success in 16, every failure).")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& failures = prometheus::BuildCounter()
                                                          .Name("ubertoons_toon_failures_total")
                                                          .Help("Failed toons, by error code.")
                                                          .Register(registry);
  prometheus::Counter& reused = prometheus::BuildCounter()
                                    .Name("ubertoons_toons_reused_total")
                                    .Help("Toons answered from an earlier, equal one.")
                                    .Register(registry)
                                    .Add({});
  prometheus::Counter& refused = prometheus::BuildCounter()
                                     .Name("ubertoons_toons_refused_total")
                                     .Help("Toons refused because their bytes are in quarantine.")
                                     .Register(registry)
                                     .Add({});
  prometheus::Counter& quarantined = prometheus::BuildCounter()
                                         .Name("ubertoons_quarantined_total")
                                         .Help("Bytes put into quarantine: they killed whoever processed them.")
                                         .Register(registry)
                                         .Add({});
  std::mutex mutex;
  std::vector<std::string> codes;                                                  // guarded by mutex
  std::vector<std::pair<prometheus::Gauge*, std::function<double()>>> gauges;      // guarded by mutex
  std::vector<std::pair<prometheus::Counter*, std::function<double()>>> counters;  // guarded by mutex
};

PrometheusMetrics::PrometheusMetrics() : impl_(std::make_unique<Impl>()) {}
PrometheusMetrics::~PrometheusMetrics() = default;

void PrometheusMetrics::JobAccepted() {
  impl_->accepted.Increment();
}

void PrometheusMetrics::JobEnded(job::JobStatus status, std::chrono::microseconds since_submitted) {
  const std::string name(job::kJobStatusNames[static_cast<std::size_t>(status)]);
  impl_->jobs.Add({{"status", name}}, kJobBuckets).Observe(Seconds(since_submitted));
}

void PrometheusMetrics::ChunkEnded(std::string_view work_class, std::string_view result,
                                   std::chrono::microseconds taken) {
  impl_->chunks.Add({{"class", std::string(work_class)}, {"result", std::string(result)}}, kChunkBuckets)
      .Observe(Seconds(taken));
}

void PrometheusMetrics::RecordTook(std::chrono::microseconds taken) {
  impl_->commits.Observe(Seconds(taken));
}

void PrometheusMetrics::ToonsRecorded(job::ToonState state, std::uint64_t count) {
  const std::string name(job::kToonStateNames[static_cast<std::size_t>(state)]);
  impl_->toons.Add({{"state", name}}).Increment(static_cast<double>(count));
}

void PrometheusMetrics::ToonDuration(std::string_view type, std::chrono::microseconds duration) {
  impl_->durations.Add({{"type", std::string(type)}}, kToonBuckets).Observe(Seconds(duration));
}

void PrometheusMetrics::ToonFailed(std::string_view code) {
  std::string label(code);
  {
    const std::lock_guard lock(impl_->mutex);
    auto& codes = impl_->codes;
    if (std::find(codes.begin(), codes.end(), label) == codes.end()) {
      if (codes.size() < kMaxCodes) {
        codes.push_back(label);
      } else {
        label = "other";
      }
    }
  }
  impl_->failures.Add({{"code", label}}).Increment();
}

void PrometheusMetrics::ToonsReused(std::uint64_t count) {
  impl_->reused.Increment(static_cast<double>(count));
}

void PrometheusMetrics::ToonsRefused(std::uint64_t count) {
  impl_->refused.Increment(static_cast<double>(count));
}

void PrometheusMetrics::Quarantined(std::uint64_t count) {
  impl_->quarantined.Increment(static_cast<double>(count));
}

void PrometheusMetrics::Watch(std::string name, std::string help, Kind kind, std::function<double()> read,
                              const std::map<std::string, std::string>& labels) {
  const std::lock_guard lock(impl_->mutex);
  if (kind == Kind::kGauge) {
    auto& gauge = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry).Add(labels);
    impl_->gauges.emplace_back(&gauge, std::move(read));
  } else {
    auto& counter = prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry).Add(labels);
    impl_->counters.emplace_back(&counter, std::move(read));
  }
}

std::string PrometheusMetrics::Render() {
  const std::lock_guard lock(impl_->mutex);
  for (auto& [gauge, read] : impl_->gauges) gauge->Set(read());
  for (auto& [counter, read] : impl_->counters) {
    const double grown = read() - counter->Value();
    if (grown > 0) counter->Increment(grown);
  }
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace local
