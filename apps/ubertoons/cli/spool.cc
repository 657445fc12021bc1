#include "cli/spool.h"

namespace cli {
namespace {
constexpr std::size_t kWriteBytes = 1U << 20U;
}

Try<void> Spool::Add(std::string_view line, std::string_view label) {
  memory_ += line;
  memory_ += '\n';
  bytes_ += line.size() + 1;
  ++count_;
  if (!large()) labels_.emplace_back(label);
  if (large() ? memory_.size() >= kWriteBytes : memory_.size() > kMostInlineBytes) return Spill();
  return {};
}

std::string Spool::InlineToons() const {
  std::string toons = memory_;
  if (!toons.empty()) toons.pop_back();
  for (char& c : toons) {
    if (c == '\n') c = ',';
  }
  return toons;
}

Try<std::string> Spool::Seal() {
  UT_TRY(Spill());
  return file_.proc_path();
}

Try<void> Spool::Spill() {
  if (!large()) {
    UT_TRY_ASSIGN(file_, OpenTemporary(folder_));
    labels_ = {};
  }
  digest_.Update(memory_);
  UT_TRY(WriteAll(file_.get(), memory_, "a temporary file in " + folder_));
  memory_.clear();
  return {};
}

}  // namespace cli
