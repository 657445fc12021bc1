// The stored and transported form of an outcome (docs/formats/outcome.md): one format from the worker to the disk, so
// that the server never encodes a result again. Little-endian, LEB128 varints, first byte is the version.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "job/types.h"
#include "ports/job_store.h"

namespace wire {

inline constexpr std::uint8_t kOutcomeVersion = 1;

// Appends the row to out.
void EncodeOutcome(const job::Outcome& outcome, std::string& out);
// kCorrupt on anything but exactly one well-formed row of a known version. Never reads past the view.
[[nodiscard]] base::Result<job::Outcome> DecodeOutcome(std::string_view row);
// What a store or a page needs to know of a row without decoding it. kCorrupt as above, as far as it looks.
struct OutcomeHead {
  job::Position position = 0;
  job::ToonState state = job::ToonState::kPending;
  bool has_references = false;  // artifacts or a reuse key
};
[[nodiscard]] base::Result<OutcomeHead> PeekOutcome(std::string_view row);
[[nodiscard]] ports::OutcomeRow ToRow(const job::Outcome& outcome);

}  // namespace wire
