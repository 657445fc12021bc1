// What turns one toon into a result. Pure: bytes and operations in, result and artifacts out; no queue, store, clock or
// network. A processor lives in one worker process and is used by one thread at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "job/types.h"

namespace ports {

struct Operation {
  std::string name;
  std::string params_json = "{}";  // the operation's object without its "op" member
  bool operator==(const Operation&) const = default;
};

enum class SourceForm : std::uint8_t { kBytes, kText, kJson };  // how the client gave it: data/uri, text, json

struct ToonInput {
  std::string_view tenant;  // whose bytes: what decodes them never serves another tenant afterwards
  std::string_view type;
  std::string_view bytes;  // of `json`: its text as submitted. 64 readable bytes follow the end (simdjson padding)
  SourceForm form = SourceForm::kBytes;
  const std::vector<Operation>* operations = nullptr;  // never null; validated by the catalog already
};

struct ArtifactBytes {
  std::string name;
  std::string content_type;
  std::string bytes;
};

struct ProcessorOutput {
  std::string result_json = "{}";           // one JSON object, at most job::kMaxResultBytes
  std::optional<base::Sha256> fingerprint;  // absent: SHA-256 of the source bytes
  std::string perceptual;
  std::vector<ArtifactBytes> artifacts;
};

// What a failed try says about the next one.
enum class Blame : std::uint8_t {
  kInput,     // the bytes or what was asked of them: the same again would fail the same
  kResource,  // something was missing that may be there later: tried up to job::kMaxAttempts times
  kLethal,    // whoever decoded it died or was killed at a limit: tried once more; if that ends so too
              // (job::kMaxLethalAttempts), the bytes are quarantined
  kPlatform,  // ours alone (no process, no thread): no attempt is consumed, the chunk is tried again
};
struct ProcessorFailure {
  job::ToonError error;
  Blame blame = Blame::kInput;
};

class Processor {
 public:
  virtual ~Processor() = default;
  // Changes whenever the same input may give another result: own revision and library versions ("2+magic5.44").
  [[nodiscard]] virtual std::string version() const = 0;
  [[nodiscard]] virtual std::expected<ProcessorOutput, ProcessorFailure> Process(const ToonInput& input) = 0;
};

class ProcessorRegistry {
 public:
  virtual ~ProcessorRegistry() = default;
  // nullptr: this worker does not process that type. Owned by the registry.
  [[nodiscard]] virtual Processor* Find(std::string_view type) = 0;
};

// Which operations a type takes, for refusing a wrong one at submit. Links no decoder.
class OperationCatalog {
 public:
  virtual ~OperationCatalog() = default;
  [[nodiscard]] virtual bool KnowsType(std::string_view type) const = 0;
  // Bad places relative to the operation's object ("/width"); empty: valid.
  [[nodiscard]] virtual std::vector<base::FieldError> Check(std::string_view type,
                                                            const Operation& operation) const = 0;
};

}  // namespace ports
