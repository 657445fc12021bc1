// `ubertoons check`: is everything in a data folder whole? Offline; changes nothing.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"

namespace CLI {
class App;
}

enum class CheckFormat : std::uint8_t { kText, kJson };

struct CheckFlags {
  std::string data;
  CheckFormat format = CheckFormat::kText;
  bool fast = false;
};

// Registers the verb; `chosen` is called when it is parsed.
void AddCheck(CLI::App& app, CheckFlags& flags, std::function<void()> chosen);

// 0: sound. 6: damage, each problem on standard output with what to do. 4: a server holds the folder, it cannot be
// read, or the report not be written. 2: it is no data folder.
[[nodiscard]] int Check(const CheckFlags& flags, const base::Clock& clock);
