// Toons on their way: kept in memory while they fit an inline submission, in a nameless temporary file after that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "cli/files.h"

namespace cli {

class Spool {
 public:
  // API Gateway takes bodies of at most 10 MB and Lambda of 6; what is larger goes up as a manifest, in both homes.
  static constexpr std::uint64_t kMostInlineBytes = 3U << 20U;

  explicit Spool(std::string temporary_folder) : folder_(std::move(temporary_folder)) {}
  // One toon as JSON without line breaks. `label` names it in messages.
  [[nodiscard]] Try<void> Add(std::string_view line, std::string_view label);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] bool large() const { return file_.get() >= 0; }
  // While not large: the lines joined by commas, and the label of each.
  [[nodiscard]] std::string InlineToons() const;
  [[nodiscard]] const std::vector<std::string>& labels() const { return labels_; }
  // Once large: everything is in the file under this path, with this digest.
  [[nodiscard]] Try<std::string> Seal();
  [[nodiscard]] base::Sha256 Digest() { return digest_.Finish(); }  // once, after Seal

 private:
  [[nodiscard]] Try<void> Spill();

  std::string folder_;
  std::string memory_;  // lines with their \n, not yet written
  std::vector<std::string> labels_;
  Descriptor file_;
  base::Sha256Stream digest_;
  std::uint64_t bytes_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace cli
