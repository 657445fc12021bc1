// The values of the store (docs/formats/store.md): those of wire/row_codec.h, and those that no other home has.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "ports/job_store.h"
#include "store/keys.h"
#include "wire/row_codec.h"

namespace store {

using wire::DecodeArtifact;
using wire::DecodeEvent;
using wire::DecodeNote;
using wire::DecodeOutcomeRow;
using wire::DecodeQuarantined;
using wire::DecodeSegments;
using wire::DecodeSpec;
using wire::DecodeState;
using wire::DecodeUpload;
using wire::EncodeArtifact;
using wire::EncodeEvent;
using wire::EncodeNote;
using wire::EncodeQuarantined;
using wire::EncodeSegments;
using wire::EncodeSpec;
using wire::EncodeState;
using wire::EncodeUpload;
using wire::OutcomeFlags;
using wire::SpecRow;
using wire::StateRow;

inline constexpr std::uint64_t kFormat = 1;  // of the whole folder

// Where the outcome behind a reuse key is.
struct OutcomePlace {
  Uid uid = 0;
  job::Generation generation = 1;
  job::Position position = 0;
  bool operator==(const OutcomePlace&) const = default;
};
[[nodiscard]] std::string EncodePlace(const OutcomePlace& place);
[[nodiscard]] base::Result<OutcomePlace> DecodePlace(std::string_view bytes);

// How many entries a tenant's quarantine has, by work class; never 0.
using QuarantineCounts = std::map<job::WorkClass, std::uint64_t, std::less<>>;
[[nodiscard]] std::string EncodeCounts(const QuarantineCounts& counts);
[[nodiscard]] base::Result<QuarantineCounts> DecodeCounts(std::string_view bytes);

// A number alone: uids in indexes, the sequence, the format.
[[nodiscard]] std::string EncodeNumber(std::uint64_t value);
[[nodiscard]] base::Result<std::uint64_t> DecodeNumber(std::string_view bytes, std::string_view what);

}  // namespace store
