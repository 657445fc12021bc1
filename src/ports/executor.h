// Work on hostile bytes, done where it harms nobody. Two kinds of implementation: the decoders themselves
// (processors/image, processors/media), which live in executor programs, and the worker's side (sandbox/), which hands
// a task to such a program and survives its death.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "ports/processor.h"

namespace ports {

struct IsolatedTask {
  std::string_view tenant;                   // whose bytes: a child process serves one tenant only
  std::string_view verb;                     // a toon's type ("image", "audio", "video"), or "contact-sheet"
  const std::vector<Operation>* operations;  // never null; validated by the catalog already
  std::vector<std::string_view> inputs;      // a toon's bytes, or the tiles of a sheet
};

class Executor {
 public:
  virtual ~Executor() = default;
  // Own revision and library versions ("1+vips8.14.1"); part of reuse keys.
  [[nodiscard]] virtual std::string version() = 0;
  // Blocks. One thread at a time. Failures: the decoders' own, of Blame::kInput ("type-mismatch", "invalid-image",
  // "too-many-pixels" …), and from sandbox/ of Blame::kLethal ("memory-limit", "cpu-limit", "time-limit",
  // "output-limit", "forbidden-call", "executor-died") kResource ("isolation-unavailable", "no-threads",
  // "out-of-memory") or kPlatform.
  [[nodiscard]] virtual std::expected<ProcessorOutput, ProcessorFailure> Run(const IsolatedTask& task) = 0;
};

}  // namespace ports
