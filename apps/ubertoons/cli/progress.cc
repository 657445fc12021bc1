#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>

namespace cli {
namespace {

constexpr std::size_t kWidestBar = 40;
constexpr std::size_t kNarrowestBar = 5;

std::string Bar(double part, std::size_t columns, Glyphs glyphs) {
  const auto full = static_cast<std::size_t>(part * static_cast<double>(columns));
  std::string bar;
  for (std::size_t i = 0; i < columns; ++i) {
    bar += glyphs == Glyphs::kBlocks ? (i < full ? "█" : "░") : (i < full ? "#" : "-");
  }
  return bar;
}

std::string Remaining(const Snapshot& job, std::optional<double> per_second) {
  if (!job.toon_count || !per_second || *per_second <= 0) return {};
  const double left = static_cast<double>(*job.toon_count - std::min(*job.toon_count, job.processed));
  const double seconds = left / *per_second;
  const std::string eta = seconds < 60 ? fmt::format("{:.0f} s", seconds) : HumanMillis(seconds * 1000.0);
  return fmt::format("  {:.{}f}/s  ETA {}", *per_second, *per_second < 100 ? 1 : 0, eta);
}

std::string OfTotal(const Snapshot& job) {
  return fmt::format("{}/{}", Grouped(job.processed), job.toon_count ? Grouped(*job.toon_count) : "?");
}

}  // namespace

std::optional<Snapshot> SnapshotOf(const json::value& document) {
  Snapshot job{.job_id = TextAt(document, "jobId"),
               .status = TextAt(document, "status"),
               .toon_count = CountAt(document, "toonCount"),
               .processed = CountAt(document, "processed").value_or(0),
               .succeeded = CountAt(document, "succeeded").value_or(0),
               .failed = CountAt(document, "failed").value_or(0),
               .reason = TextAt(document, "reason"),
               .submitted_at = TextAt(document, "submittedAt"),
               .completed_at = TextAt(document, "completedAt")};
  if (job.status.empty()) return std::nullopt;
  return job;
}

void RateMeter::Add(base::SteadyPoint now, std::uint64_t processed) {
  if (!samples_.empty() && processed < samples_.back().processed) samples_.clear();  // a retry began again
  samples_.push_back({now, processed});
  while (samples_.size() > 2 && samples_[1].at + kWindow < now) samples_.pop_front();
  constexpr std::size_t kMostSamples = 4096;
  if (samples_.size() > kMostSamples) samples_.pop_front();
}

std::optional<double> RateMeter::PerSecond() const {
  if (samples_.size() < 2) return std::nullopt;
  const double seconds = std::chrono::duration<double>(samples_.back().at - samples_.front().at).count();
  if (seconds < 0.05) return std::nullopt;
  return static_cast<double>(samples_.back().processed - samples_.front().processed) / seconds;
}

std::string RenderBar(const Snapshot& job, std::optional<double> per_second, std::size_t columns, Glyphs glyphs) {
  const double total = static_cast<double>(job.toon_count.value_or(0));
  const double part = total <= 0 ? 0.0 : std::min(1.0, static_cast<double>(job.processed) / total);
  const std::string name = Cut(Printable(job.job_id), 24) + " ";
  // The last toon is not the end: reducers follow.
  const std::string doing = job.toon_count && job.processed >= *job.toon_count ? "  reducing" : "";
  const std::string counts =
      fmt::format(" {:3.0f}%  {}", part * 100.0, OfTotal(job)) + (doing.empty() ? Remaining(job, per_second) : doing);
  const std::string verdicts = fmt::format("  {} succeeded {} failed", Grouped(job.succeeded), Grouped(job.failed));
  const std::size_t text = DisplayWidth(name) + DisplayWidth(counts) + DisplayWidth(verdicts);
  const std::size_t room = columns > text ? columns - text : 0;
  const std::size_t bar = std::clamp(room, kNarrowestBar, kWidestBar);
  return Cut(name + Bar(part, bar, glyphs) + counts + verdicts, columns);
}

std::string RenderLine(const Snapshot& job) {
  return fmt::format("{} {} {}, {} succeeded, {} failed", Printable(job.job_id), Printable(job.status), OfTotal(job),
                     Grouped(job.succeeded), Grouped(job.failed));
}

std::string RenderEnd(const Snapshot& job) {
  const std::string reason = job.reason.empty() ? "" : fmt::format(" ({})", Printable(job.reason));
  const std::string toons = job.toon_count ? Grouped(*job.toon_count) : "?";
  std::string took;
  const auto begun = base::ParseTime(job.submitted_at);
  const auto ended = base::ParseTime(job.completed_at);
  if (begun && ended && *ended >= *begun) {
    took = " in " + HumanMillis(std::chrono::duration<double, std::milli>(*ended - *begun).count());
  }
  return fmt::format("{} {}{}: {} toons, {} succeeded, {} failed{}", Printable(job.job_id), Printable(job.status),
                     reason, toons, Grouped(job.succeeded), Grouped(job.failed), took);
}

void ProgressView::Show(const Snapshot& job) {
  const base::SteadyPoint now = clock_.Steady();
  meter_.Add(now, job.processed);
  const bool news = !shown_ || shown_->status != job.status || job.ended();
  const auto pause = stream_.tty() ? kRedraw : kLineEvery;
  if (shown_ && (*shown_ == job || (!news && now - shown_at_ < pause))) return;
  shown_ = job;
  shown_at_ = now;
  if (stream_.tty()) {
    const std::string bar = RenderBar(job, meter_.PerSecond(), stream_.width() - 1, glyphs_);
    stream_.Write("\r" + stream_.Paint(bar, job.failed == 0 ? Colour::kGreen : Colour::kYellow) + "\x1b[K");
  } else {
    stream_.Write(RenderLine(job) + "\n");
  }
  stream_.Flush();
}

void ProgressView::Clear() {
  if (!stream_.tty() || !shown_) return;
  stream_.Write("\r\x1b[K");
  stream_.Flush();
  shown_.reset();
}

}  // namespace cli
