// A configuration file: TOML, and the text forms of durations, sizes and addresses.
#include "config/config.h"

#include <sys/mman.h>
#include <unistd.h>

#include "config/units.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::Text(data, size);
  (void)config::ParseDuration(text);
  (void)config::ParseSize(text);
  if (const auto address = config::ParseAddress(text)) {
    fuzz::Require(!address->host.empty(), "an address has a host");
    (void)config::IsLoopback(address->host);
  }
  static const int file = ::memfd_create("fuzz-config", 0);
  fuzz::Require(::ftruncate(file, 0) == 0 && ::pwrite(file, data, size, 0) == static_cast<ssize_t>(size), "a file");
  const auto loaded = config::Load({.config_file = "/proc/self/fd/" + std::to_string(file)}, {});
  if (!loaded) {
    fuzz::Require(!loaded.error().message.empty(), "a refusal says why");
    return 0;
  }
  const job::Limits standard;
  fuzz::Require(
      loaded->limits.max_toons <= standard.max_toons && loaded->limits.max_body_bytes <= standard.max_body_bytes,
      "limits are configured down, never up");
  return 0;
}
