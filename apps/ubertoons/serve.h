// `ubertoons serve`: the local home, run until SIGTERM or SIGINT.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "config/config.h"

namespace CLI {
class App;
}

// Registers the subcommand; `chosen` is called when it was given, with `flags` filled.
void AddServe(CLI::App& app, config::Flags& flags, std::function<void()> chosen);

// Prints "ubertoons listening on URL" once it serves. Answers the exit code: 0 after a drain, 2 for settings that are
// wrong, 3 for a folder that is a backup, half restored or a newer build's, 4 when it cannot start (port taken, folder
// in use, disk full or read-only), 6 for damaged data. docs/runbook.md says what to do about each.
[[nodiscard]] int Serve(const config::Flags& flags, const std::map<std::string, std::string>& environment,
                        const base::Clock& clock, base::Random& random);
