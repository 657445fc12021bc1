// What the two ends of an executor's pipes agree on: descriptors, options, the recorder and the frames.
//
// A frame is an 8-byte prefix (magic, length of the head, both 32-bit little-endian), a head in base/codec.h's form,
// then a body of raw bytes whose lengths the head told. One task frame down, one reply frame up; before the first task
// the child sends one hello frame (a head without body).
//
// Decoders here trust nobody: every length and count has a bound. Pure; thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "ports/executor.h"
#include "sandbox/limits.h"

namespace sandbox {

// Where a child finds its descriptors. 0 is empty, 1 and 2 are the pipe for complaints.
inline constexpr int kTaskFd = 3;
inline constexpr int kReplyFd = 4;
inline constexpr int kRecorderFd = 5;
inline constexpr int kFirstOtherFd = 6;

inline constexpr std::string_view kVersionOption = "--version";
// A task of this verb is served by the child's side itself: its one operation names a probe of probes.h.
inline constexpr std::string_view kProbeVerb = "sandbox-probe";
// The whole environment of a child, besides LD_LIBRARY_PATH if we have one.
inline constexpr std::string_view kEnvironment[] = {
#if defined(__SANITIZE_ADDRESS__)
    // The search for leaks would stop the process with calls that are refused; a crash is to look as it always does;
    // and what is freed counts against the task's memory as long as it is kept.
    "ASAN_OPTIONS=detect_leaks=0:handle_segv=0:quarantine_size_mb=8",
    "UBSAN_OPTIONS=print_stacktrace=1",
#elif defined(__SANITIZE_THREAD__)
    // It would sleep for a second at every end.
    "TSAN_OPTIONS=halt_on_error=1:handle_segv=0:atexit_sleep_ms=0:suppressions=" UBERTOONS_SUPPRESSIONS "/tsan.supp",
#endif
    "LANG=C.UTF-8",
    "VIPS_CONCURRENCY=1",
    "MALLOC_ARENA_MAX=2",
    "VIPSHOME=/nonexistent"};  // libvips looks for modules and translations below it

// ---- options ----------------------------------------------------------------------------------------------------
struct ChildOptions {
  Level level = Level::kStrict;
  TaskLimits limits;
};
[[nodiscard]] std::vector<std::string> ToArguments(const ChildOptions& options);
// Without argv[0]. Every option exactly once; kInvalid otherwise.
[[nodiscard]] base::Result<ChildOptions> FromArguments(std::span<const char* const> arguments);

// ---- the recorder ---------------------------------------------------------------------------------------------
// One shared page in which a child notes what outlives it. The parent only ever reads copies of it.
enum class Phase : std::uint32_t { kStarting, kClosing, kWaiting, kReading, kDecoding, kReplying };
inline constexpr std::string_view kPhaseNames[] = {"starting", "giving up its rights", "waiting", "reading", "decoding",
                                                   "replying"};
struct Recorder {
  std::atomic<std::uint32_t> out_of_memory{0};  // an allocation failed since the task came
  std::atomic<std::uint32_t> phase{0};
  std::atomic<std::int32_t> start_errno{0};  // why the program could not be executed
  std::atomic<std::uint32_t> no_thread{0};   // a thread could not be started since the task came
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

// ---- frames -----------------------------------------------------------------------------------------------------
inline constexpr std::size_t kPrefixBytes = 8;
// Operations with their parameters: of a contact sheet they hold a caption for each tile.
inline constexpr std::size_t kMaxOperationBytes = 4U << 20U;
inline constexpr std::size_t kMaxTaskHeadBytes = kMaxOperationBytes + (64U << 10U);  // with lengths
// A result, its artifacts' names and types, a perceptual hash, with room to spare.
inline constexpr std::size_t kMaxReplyHeadBytes = 128U << 10U;
inline constexpr std::size_t kMaxHelloBytes = 16U << 10U;
inline constexpr std::size_t kMaxVersionBytes = 200;

[[nodiscard]] std::array<char, kPrefixBytes> MakePrefix(std::size_t head_bytes);
// The head's length, if the magic is there. The caller bounds it.
[[nodiscard]] std::optional<std::size_t> ReadPrefix(const std::array<char, kPrefixBytes>& prefix);

// Without the tenant: a child has no need to know whom it serves.
struct TaskHead {
  std::string verb;
  std::vector<ports::Operation> operations;
  std::vector<std::size_t> input_bytes;  // the body: the inputs, one after the other
};
[[nodiscard]] std::string EncodeTask(const ports::IsolatedTask& task);
[[nodiscard]] std::optional<TaskHead> DecodeTask(std::string_view head);

struct Hello {
  std::string version;
  Level level = Level::kContained;                     // what was reached
  std::string refusal;                                 // why not more; may be empty
  std::vector<std::pair<std::string, bool>> measures;  // camelCase names
};
[[nodiscard]] std::string EncodeHello(const Hello& hello);
[[nodiscard]] std::optional<Hello> DecodeHello(std::string_view head);

using Answer = std::expected<ports::ProcessorOutput, ports::ProcessorFailure>;
struct ReplyHead {
  Answer answer;                              // artifacts with names and types, without bytes
  std::vector<std::uint64_t> artifact_bytes;  // the body: the artifacts, one after the other
};
[[nodiscard]] std::string EncodeReply(const Answer& answer);
// Absent unless what is said could be recorded and shown as it is: a JSON object for a result, plain names, types fit
// for a header line. Text for people is cleaned, not refused.
[[nodiscard]] std::optional<ReplyHead> DecodeReply(std::string_view head);

// At most `most` bytes of text on one line: what is not printable ASCII becomes '?'.
[[nodiscard]] inline bool IsPrintable(char c) {
  return c >= 0x20 && static_cast<unsigned char>(c) < 0x7F;
}
[[nodiscard]] std::string CleanText(std::string_view text, std::size_t most);

}  // namespace sandbox
