// Everything of a submission's body but the toons: its members one by one, then what they must be together.
#pragma once

#include <cstdint>
#include <string_view>

#include "wire/submission.h"

namespace wire {

class EnvelopeReader {
 public:
  explicit EnvelopeReader(const SubmissionRules& rules) : rules_(rules) {}

  // How long a member's text may be, and the name of that limit in struct Limits ("" if it has none).
  struct Bound {
    std::uint64_t bytes = 0;
    std::string_view name;
  };
  enum class Admission : std::uint8_t { kValue, kToons, kRefused };
  // Notes that a member of this name begins; a repeated or unknown one is added to errors.
  [[nodiscard]] Admission Admit(std::string_view key, FieldErrors& errors);
  [[nodiscard]] Bound BoundOf(std::string_view key) const;
  // The value of an admitted member; 64 readable bytes follow text.
  void Read(std::string_view key, std::string_view text, FieldErrors& errors);
  // After the last member: the rules between members.
  void Check(job::Position toon_count, FieldErrors& errors) const;
  [[nodiscard]] Envelope& envelope() { return envelope_; }

 private:
  using Reading = void (EnvelopeReader::*)(const Element&, std::string_view text, FieldErrors&);
  struct Member;
  static const Member kMembers[];
  [[nodiscard]] static const Member* Find(std::string_view key);

  void ReadJobId(const Element& value, std::string_view text, FieldErrors& errors);
  void ReadMetadata(const Element& value, std::string_view text, FieldErrors& errors);
  void ReadOperations(const Element& value, std::string_view text, FieldErrors& errors);
  void ReadReducers(const Element& value, std::string_view text, FieldErrors& errors);
  void ReadTolerance(const Element& value, std::string_view text, FieldErrors& errors);
  void ReadPriority(const Element& value, std::string_view text, FieldErrors& errors);
  void ReadChunking(const Element& value, std::string_view text, FieldErrors& errors);
  void ReadReuse(const Element& value, std::string_view text, FieldErrors& errors);
  void ReadRetention(const Element& value, std::string_view text, FieldErrors& errors);
  void ReadManifestUri(const Element& value, std::string_view text, FieldErrors& errors);
  void ReadReducer(const Element& value, std::string_view pointer, FieldErrors& errors);

  const SubmissionRules& rules_;
  StrictParser parser_;
  Envelope envelope_;
  bool has_manifest_uri_ = false;  // a bad one too
  std::uint32_t seen_ = 0;         // a bit per member, in the order of kMembers
};

}  // namespace wire
