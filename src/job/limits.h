// Every maximum, with its unit and the reason for it. Limits in struct Limits may be configured down, never up.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace job {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

// ---- fixed ----------------------------------------------------------------------------------------------------
inline constexpr std::size_t kMaxJobIdBytes = 128;   // [A-Za-z0-9._:-]+ : it stands in paths, keys and execution names
inline constexpr std::size_t kMaxToonIdBytes = 256;  // any UTF-8 without control characters: file names fit
inline constexpr std::size_t kMaxTypeBytes = 64;     // [a-z][a-z0-9-]*
inline constexpr std::size_t kMaxTenantBytes = 100;  // a `sub` claim; twice as long in hex it names a folder
inline constexpr std::size_t kMaxJsonDepth = 64;     // nesting of any JSON we accept: recursion stays shallow
inline constexpr std::size_t kMaxFieldErrors = 100;  // a refusal names at most so many places
inline constexpr std::size_t kMaxOperationsPerToon = 32;
inline constexpr std::size_t kMaxReducers = 8;  // per job
inline constexpr std::size_t kMaxArtifactsPerToon = 32;
inline constexpr std::size_t kMaxArtifactNameBytes = 128;
inline constexpr std::size_t kMaxResultBytes = 64 * 1024;  // JSON of one result: an outcome must fit a 400 KB item
inline constexpr std::size_t kMaxErrorMessageBytes = 2048;
inline constexpr std::size_t kMaxPartialBytes = 256 * 1024;  // one reducer's aggregate: must fit a 400 KB item
inline constexpr std::int32_t kMaxPriority = 100;

// ---- chunks ---------------------------------------------------------------------------------------------------
inline constexpr std::uint32_t kMaxSegmentToons = 1000;         // a chunk's work stays near the 50 ms quantum
inline constexpr std::uint64_t kMaxSegmentBytes = 1024 * 1024;  // same; a single larger toon is a segment alone
inline constexpr std::uint32_t kMaxSegmentToonsImage = 8;       // and of custom types: they cost milliseconds each
inline constexpr std::uint32_t kMaxSegmentToonsMedia = 2;       // audio and video may cost minutes
inline constexpr std::uint32_t kSegmentsPerPage = 500;          // a page of the plan stays far below 400 KB

// ---- attempts -------------------------------------------------------------------------------------------------
inline constexpr std::uint32_t kMaxAttempts = 3;
inline constexpr std::uint32_t kMaxLethalAttempts = 2;  // in a row that kill their executor: once may be bad luck
// Further bytes are not added: their toons fail all the same, after their tries. Whoever meets so many decoders' deaths
// has one cause to find, not ten thousand files to list.
inline constexpr std::uint64_t kMaxQuarantinedPerTenant = 10'000;
inline constexpr std::chrono::milliseconds kRetryBase = 200ms;
inline constexpr std::chrono::milliseconds kRetryCap = 30s;

// ---- decoders ---------------------------------------------------------------------------------------------------
// What a header may announce before anything is decoded, and what its executor may use.
inline constexpr std::uint32_t kMaxImageSide = 65'535;   // pixels: the largest that JPEG can say
inline constexpr std::uint32_t kMaxImageFrames = 1'000;  // of an animation
inline constexpr std::uint32_t kMaxVideoSide = 8'192;    // pixels: a decoder holds several whole frames
inline constexpr std::uint32_t kMaxMediaStreams = 16;    // audio, video, subtitles, covers
inline constexpr std::chrono::seconds kMaxMediaDuration{14'400};
inline constexpr std::chrono::seconds kExecutorStart{15};     // from its start to its first word; then it is killed
inline constexpr std::chrono::seconds kMaxMemoryWait{300};    // less if its chunk's deadline comes first
inline constexpr std::uint32_t kMaxToonsPerExecutor = 1'000;  // then a fresh one: leaks and fragments end with it
inline constexpr std::uint32_t kMaxTenantExecutors = 3;       // idle children a worker keeps, one a tenant
inline constexpr std::uint64_t kExecutorRecycleBytes = 400ULL << 20U;  // resident after a toon: a fresh one
inline constexpr std::uint32_t kMaxSheetTiles = 400;                   // of a contact sheet

// ---- configurable down ----------------------------------------------------------------------------------------
struct Limits {
  std::uint64_t max_body_bytes = 256ULL << 20U;      // an inline submission, parsed as a stream
  std::uint64_t max_toons = 1'000'000;               // per job
  std::uint64_t max_toon_bytes = 16ULL << 20U;       // one inline toon's JSON: it is held in memory whole
  std::uint64_t max_referenced_bytes = 1ULL << 30U;  // one uploaded toon
  std::uint64_t max_manifest_bytes = 4ULL << 30U;    // one uploaded manifest
  std::uint64_t max_metadata_bytes = 16 * 1024;      // of a toon or a job, as JSON
  std::uint64_t max_operations_bytes = 64 * 1024;    // of a job or a toon, as JSON: rides in every chunk
  std::uint64_t max_pending_toons = 4'000'000;       // all tenants: the backlog past which 429 is answered
  std::uint64_t max_pending_toons_per_tenant = 2'000'000;
  std::uint64_t max_active_jobs_per_tenant = 10'000;
  // A script gone wild is held here, well below what the server answers in a second, so that others notice nothing.
  std::uint64_t max_requests_per_second_per_tenant = 1'000;
  std::uint64_t max_media_bytes = 256ULL << 20U;      // one image, audio or video: its executor holds it whole
  std::uint64_t max_image_pixels = 200'000'000;       // width x height x frames, from the header
  std::uint64_t max_executor_memory = 1ULL << 30U;    // bytes that decoding one toon may add to its executor
  std::uint64_t max_executor_output = 128ULL << 20U;  // bytes of result and artifacts of one toon
  std::uint64_t max_image_cpu_seconds = 30;           // CPU time of one image
  std::uint64_t max_image_wall_seconds = 45;          // and by the clock
  std::uint64_t max_media_cpu_seconds = 300;          // of one audio or video: four hours of sound take 90
  std::uint64_t max_media_wall_seconds = 400;         // and by the clock
  std::uint64_t max_page_size = 1000;                 // of results and jobs
  std::uint64_t max_page_bytes = 8ULL << 20U;         // a page of results is cut here even if it has fewer rows
};

}  // namespace job
