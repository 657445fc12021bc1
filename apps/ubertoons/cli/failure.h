// Why a command did not do what was asked, ready to be shown.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/terminal.h"

namespace cli {

// As RFC 9457 has it, whether it came from the server or from here.
struct Failure {
  Exit exit = Exit::kInternal;
  std::string title;
  std::string detail;
  std::vector<base::FieldError> fields;
  std::string trace_id;
  std::string raw;  // the problem document as the server sent it; empty if it sent none
  int status = 0;   // HTTP; 0: no answer
};
template <typename T>
using Try = std::expected<T, Failure>;

[[nodiscard]] std::unexpected<Failure> Fail(Exit exit, std::string title, std::string detail);
// The caller's fault: exit code 2.
[[nodiscard]] std::unexpected<Failure> FailUsage(std::string detail);
// This machine's: "write /x: No space left on device", exit code 6.
[[nodiscard]] std::unexpected<Failure> FailLocal(std::string_view what, int errno_value);
[[nodiscard]] Failure FromError(const base::Error& error);
// An answer that is not a 2xx; a body that is no problem document is described by its status alone.
[[nodiscard]] Failure FromAnswer(int status, std::string_view body);

enum class Format : unsigned char { kText, kJson };
// Title, detail, each "pointer: detail", trace id; kJson: the problem document on one line (made here if none came).
void PrintFailure(Stream& err, const Failure& failure, Format format);

}  // namespace cli
