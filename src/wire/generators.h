// Random nouns for property tests of this folder.
#pragma once

#include <rapidcheck.h>

#include <string>

#include "job/lifecycle.h"
#include "job/types.h"
#include "ports/work.h"

namespace wire {

inline rc::Gen<std::string> AnyBytes() {
  return rc::gen::container<std::string>(
      rc::gen::map(rc::gen::inRange(0, 256), [](int c) { return static_cast<char>(c); }));
}
inline base::Sha256 AnySha() {
  return base::Sha256Of(*AnyBytes());
}
inline job::ToonError AnyError() {
  return {.code = *AnyBytes(), .message = *AnyBytes()};
}
inline base::TimePoint AnyTime() {
  return base::FromUnixMicros(*rc::gen::arbitrary<std::int64_t>());
}
inline bool AnyBool() {
  return *rc::gen::arbitrary<bool>();
}

inline job::Artifact AnyArtifact() {
  return {.name = *AnyBytes(),
          .content_type = *AnyBytes(),
          .bytes = *rc::gen::arbitrary<std::uint64_t>(),
          .sha256 = AnySha()};
}
template <typename T, typename Make>
std::vector<T> Some(int limit, Make make) {
  std::vector<T> out(static_cast<std::size_t>(*rc::gen::inRange(0, limit)));
  for (T& item : out) item = make();
  return out;
}

inline rc::Gen<job::Outcome> AnyOutcome() {
  return rc::gen::exec([] {
    job::Outcome outcome;
    outcome.position = *rc::gen::arbitrary<std::uint64_t>();
    outcome.state = static_cast<job::ToonState>(*rc::gen::inRange(0, 3));
    outcome.toon_id = job::ToonId(*AnyBytes());
    outcome.type = *AnyBytes();
    outcome.result_json = *AnyBytes();
    if (AnyBool()) outcome.sha256 = AnySha();
    outcome.perceptual = *AnyBytes();
    outcome.source_bytes = *rc::gen::arbitrary<std::uint64_t>();
    outcome.duration = std::chrono::microseconds(*rc::gen::arbitrary<std::int64_t>());
    outcome.attempts = *rc::gen::arbitrary<std::uint32_t>();
    outcome.processed_at = AnyTime();
    outcome.reused = AnyBool();
    outcome.artifacts = Some<job::Artifact>(4, AnyArtifact);
    if (AnyBool()) outcome.error = AnyError();
    if (AnyBool()) outcome.reuse_key = AnySha();
    return outcome;
  });
}

}  // namespace wire
