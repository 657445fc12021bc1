#include "cli/watch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "cli/sse.h"

namespace cli {
namespace {

constexpr int kMostFailures = 8;  // in a row: some 20 seconds, longer than a server's restart
constexpr std::chrono::milliseconds kFirstBackoff{250};
constexpr std::chrono::milliseconds kLongestBackoff{5000};
constexpr std::chrono::milliseconds kPollEvery{500};
constexpr std::chrono::minutes kStreamAge{5};  // a stream is opened again after so long: a dead peer is noticed

// What the handler says; written before the handler is installed, read-only after. A handler may not allocate.
char g_farewell[256];
std::size_t g_farewell_bytes = 0;

void OnInterrupt(int /*signal*/) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, g_farewell, g_farewell_bytes);
  _exit(kInterrupted);
}

// SIGINT says that the job goes on, and ends the process at once, whatever it waits for.
class InterruptGuard {
 public:
  explicit InterruptGuard(const std::string& job_id) {
    const std::string text = fmt::format("\nStopped watching; {} is still running\n", Cut(Printable(job_id), 100));
    g_farewell_bytes = std::min(text.size(), sizeof g_farewell);
    std::copy_n(text.data(), g_farewell_bytes, g_farewell);
    struct sigaction action{};
    action.sa_handler = OnInterrupt;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &before_);
  }
  ~InterruptGuard() { sigaction(SIGINT, &before_, nullptr); }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  struct sigaction before_{};
};

Glyphs GlyphsFor(const std::map<std::string, std::string>& variables) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto found = variables.find(name);
    if (found == variables.end() || found->second.empty()) continue;
    const std::string& value = found->second;
    const bool utf8 = value.find("UTF-8") != std::string::npos || value.find("utf8") != std::string::npos;
    return utf8 ? Glyphs::kBlocks : Glyphs::kAscii;
  }
  return Glyphs::kAscii;
}

// There is no stream to be had here, though there may be a job.
bool HasNoStream(const Failure& failure) {
  return failure.status == 404 || failure.status == 405 || failure.status == 406 || failure.status == 501;
}

class Follower {
 public:
  Follower(Shell& shell, const std::string& job_id, Stream& progress)
      : shell_(shell),
        job_id_(job_id),
        progress_(progress),
        view_(progress, *shell.env.clock, GlyphsFor(shell.env.variables)),
        parser_([this](const Event& event) { TakeEvent(event); }) {}

  Try<Watched> Run() {
    UT_TRY(Ask());
    while (!job_.ended() && !progress_.closed()) {
      if (streaming_) {
        UT_TRY(Listen());
      } else {
        shell_.env.sleep(kPollEvery);
        UT_TRY(Patiently(Ask()));
      }
    }
    // The event that ended the stream may lack what the status document has (artifacts).
    while (!document_ended_ && !progress_.closed()) UT_TRY(Patiently(Ask()));
    view_.Clear();
    return Watched{job_, std::move(document_)};
  }

 private:
  Try<void> Ask() {
    UT_TRY_ASSIGN(document_, shell_.session.Get(JobPath(job_id_)));
    Take(document_.value);
    document_ended_ = job_.ended();
    return {};
  }

  void Take(const json::value& value) {
    std::optional<Snapshot> job = SnapshotOf(value);
    if (!job) return;
    if (job->job_id.empty()) job->job_id = job_id_;
    job_ = std::move(*job);
    view_.Show(job_);
  }

  void TakeEvent(const Event& event) {
    heard_ = true;
    const std::optional<json::value> value = ParseJson(event.data);
    if (!value) return;
    if (At(*value, "processed") != nullptr) return Take(*value);
    // The last event of a stream says how the job ended, and no more.
    const std::optional<Snapshot> end = SnapshotOf(*value);
    if (end && end->ended()) job_.status = end->status;
  }

  // One connection to the stream, and the pause after it.
  Try<void> Listen() {
    ApiRequest request{.path = JobPath(job_id_, "/events"),
                       .headers = {{"Accept", "text/event-stream"}, {"Cache-Control", "no-cache"}},
                       .timeout = kStreamAge};
    if (!parser_.last_id().empty()) request.headers.emplace_back("Last-Event-ID", parser_.last_id());
    request.on_data = [this](std::string_view piece) {
      return parser_.Write(piece) && !job_.ended() && !progress_.closed();
    };
    parser_.Restart();
    heard_ = false;
    auto response = shell_.session.Send(request);
    if (job_.ended() || progress_.closed()) return {};
    if (heard_) failures_ = 0;
    if (!response && HasNoStream(response.error())) {
      streaming_ = false;
      return {};
    }
    if (response && !response->header("Content-Type").starts_with("text/event-stream")) {
      streaming_ = false;
      return {};
    }
    if (response || (heard_ && response.error().status == 0)) return Silence();
    return Patiently(std::unexpected(std::move(response).error()));
  }

  // A stream ended before the job did: soon again, unless it never says anything.
  Try<void> Silence() {
    if (!heard_ && ++failures_ > 2) streaming_ = false;
    shell_.env.sleep(parser_.retry().value_or(kFirstBackoff));
    return {};
  }

  // Refusals are final; an unreachable server is tried again, later and later.
  Try<void> Patiently(Try<void> outcome) {
    if (outcome) {
      failures_ = 0;
      return {};
    }
    if (outcome.error().exit != Exit::kUnreachable || ++failures_ > kMostFailures) return outcome;
    const auto pause = std::min(kLongestBackoff, kFirstBackoff * (1 << std::min(failures_ - 1, 8)));
    shell_.env.sleep(
        std::chrono::duration_cast<std::chrono::milliseconds>(pause * (0.5 + shell_.env.random->Unit() / 2)));
    return {};
  }

  Shell& shell_;
  const std::string& job_id_;
  Stream& progress_;
  ProgressView view_;
  SseParser parser_;
  Snapshot job_;
  Document document_;
  bool streaming_ = true;
  bool document_ended_ = false;
  bool heard_ = false;  // the present connection brought an event
  int failures_ = 0;    // in a row
};

Colour ColourOf(const Snapshot& job) {
  return job.status == "Failed" ? Colour::kRed : Colour::kGreen;
}

}  // namespace

Try<Watched> Follow(Shell& shell, const std::string& job_id, Stream& progress) {
  const InterruptGuard guard(job_id);
  return Follower(shell, job_id, progress).Run();
}

Try<Exit> RunWatch(Shell& shell, const WatchOptions& options) {
  UT_TRY_ASSIGN(const Watched watched, Follow(shell, options.job_id, options.json ? shell.err : shell.out));
  if (options.json) {
    WriteJson(shell.out, watched.document.text);
  } else {
    shell.out.Write(shell.out.Paint(RenderEnd(watched.job), ColourOf(watched.job)) + "\n");
  }
  return options.exit_status && watched.job.status == "Failed" ? Exit::kJobFailed : Exit::kOk;
}

Try<Exit> WatchToEnd(Shell& shell, const std::string& job_id, Format format) {
  UT_TRY_ASSIGN(const Watched watched, Follow(shell, job_id, shell.err));
  if (format == Format::kJson) WriteJson(shell.out, watched.document.text);
  shell.err.Write(shell.err.Paint(RenderEnd(watched.job), ColourOf(watched.job)) + "\n");
  return watched.job.status == "Failed" ? Exit::kJobFailed : Exit::kOk;
}

}  // namespace cli
