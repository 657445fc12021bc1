// `ubertoons doctor`: whether this machine can do what the settings ask, before the first job is trusted to it.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "config/config.h"

namespace CLI {
class App;
}

enum class DoctorFormat : std::uint8_t { kText, kJson };

struct DoctorOptions {
  DoctorFormat format = DoctorFormat::kText;
};

// Registers the verb; `chosen` is called when it is parsed.
void AddDoctor(CLI::App& app, config::Flags& flags, DoctorOptions& options, std::function<void()> chosen);

// Examines the worker and its media executors as `serve` with the same settings would run them, and prints what holds
// them and what they could still do. 0: all is as asked; 6: something is not, and standard error says what to do; 2:
// the settings do not parse.
[[nodiscard]] int Doctor(const config::Flags& flags, const std::map<std::string, std::string>& environment,
                         const DoctorOptions& options);
