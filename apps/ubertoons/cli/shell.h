// What every command gets: where to write and how to reach the server.
#pragma once

#include <string>

#include "cli/cli.h"
#include "cli/failure.h"
#include "cli/session.h"

namespace cli {

struct Shell {
  Environment& env;
  Stream& out;  // data
  Stream& err;  // everything else
  Session& session;
};

// `text` as JSON on standard output: untouched into a pipe, escaped on a terminal; ends its line.
void WriteJson(Stream& out, std::string_view text);

}  // namespace cli
