#include "http/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace http {

namespace {

constexpr std::size_t kMaxReserve = 2048;  // store (256 files), worker pipes, the other servers' connections

}  // namespace

std::size_t RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return before;
  return limit.rlim_cur;
}

void FitDescriptors(std::size_t descriptors, ServerOptions& options) {
  const std::size_t quarter = descriptors / 4;
  const std::size_t transfers = std::min<std::size_t>(quarter, options.max_transfer_bytes / kMinTransferBytes);
  const std::size_t connections = descriptors - std::min(quarter, kMaxReserve) - transfers;
  options.max_connections = std::min(options.max_connections, connections);
  options.max_transfer_bytes =
      std::min<std::uint64_t>(options.max_transfer_bytes, (transfers + 1) * kMinTransferBytes - 1);
}

}  // namespace http
