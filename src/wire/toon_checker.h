// What the readers of bodies and manifests share: everything that makes one toon fit for a job.
#pragma once

#include <string>
#include <string_view>

#include "wire/id_set.h"
#include "wire/submission.h"

namespace wire {

class ToonChecker {
 public:
  explicit ToonChecker(const SubmissionRules& rules) : rules_(rules) {}

  // Checks one toon's JSON. 64 readable bytes follow `line`. Whether it is good; if not, errors name the places below
  // "<prefix><index>".
  [[nodiscard]] bool Check(std::string_view line, std::string_view prefix, job::Position index, ToonView& out,
                           FieldErrors& errors);

 private:
  [[nodiscard]] bool CheckJobRules(const ToonView& toon, FieldErrors& errors);

  const SubmissionRules& rules_;
  StrictParser parser_;
  IdSet ids_;
  std::string pointer_;  // of the toon at hand
};

// kTooLarge with the limit's name, at one place.
[[nodiscard]] base::Error TooLarge(std::string pointer, std::string_view limit, std::uint64_t value);
// A sink's error about a toon's uri: its pointers are put below `uri_pointer`.
[[nodiscard]] base::Error AtUri(base::Error error, std::string_view uri_pointer);

}  // namespace wire
