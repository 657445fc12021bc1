// What needs no worker, found before a chunk is sent: toons whose bytes are in quarantine, and toons equal to one that
// succeeded before.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "flow/context.h"
#include "flow/manifest.h"
#include "ports/work.h"

namespace flow {

struct Screened {
  ports::ChunkAnswer answer;           // about the decided toons; empty: all are left
  std::vector<std::uint32_t> decided;  // relative to the segment's first, ascending
  std::vector<std::uint32_t> left;     // the chunk's others, ascending; only if any is decided
  std::uint64_t refused = 0;
  std::uint64_t reused = 0;
};

// Thread-safe.
class Screen {
 public:
  using Versions = std::map<job::ToonType, std::string, std::less<>>;
  // `versions` of processors, for reuse keys (absent: no reuse for the type); outlives it.
  Screen(Context& context, const Versions& versions) : context_(context), versions_(versions) {}
  // Reads the manifest only if the tenant has bytes of the chunk's class in quarantine, or the chunk asks for reuse and
  // was not tried yet. Bytes in quarantine are refused whatever was made of them before: that comes first. A toon whose
  // bytes cannot be had is left: the worker says what is wrong with it. kUnavailable: try again; kCorrupt: the
  // manifest. Blocks.
  [[nodiscard]] base::Result<Screened> Run(const ports::Chunk& chunk);

 private:
  struct Asked {
    bool quarantine = false;
    bool reuse = false;
  };
  struct Candidate {
    std::uint32_t index = 0;  // in its segment
    job::ToonId toon_id;
    job::QuarantineKey bytes;
    std::uint64_t source_bytes = 0;         // 0: not known
    std::optional<base::Sha256> reuse_key;  // absent: not looked up
    bool decided = false;
  };
  using Candidates = std::vector<Candidate>;
  [[nodiscard]] base::Result<Candidates> Read(const ports::Chunk& chunk, Asked asked);
  // nullopt: nothing to look up for it.
  [[nodiscard]] base::Result<std::optional<Candidate>> ReadOne(const ports::Chunk& chunk, Asked asked,
                                                               const wire::ToonView& toon, ToonOperations& operations);
  [[nodiscard]] base::Status Refuse(const ports::Chunk& chunk, Candidates& toons, Screened& screened);
  [[nodiscard]] base::Status Reuse(const ports::Chunk& chunk, Candidates& toons, Screened& screened);

  Context& context_;
  const Versions& versions_;
};

}  // namespace flow
