#include "http/descriptors.h"

#include <algorithm>

#include "http/session.h"

namespace http {

namespace {

constexpr std::size_t kMinReserve = 512;  // the store alone opens up to 256 files, and as many again may be other uses
constexpr std::size_t kMaxReserve = 2048;

}  // namespace

void FitDescriptors(std::size_t descriptors, std::size_t others, ServerOptions& options) {
  const std::size_t reserve =
      std::clamp(descriptors / 4, kMinReserve, kMaxReserve) + others + kCrowdRefusals + kAddressRefusals;
  const std::size_t left = descriptors - std::min(reserve, descriptors / 4 * 3);
  const std::size_t transfers = std::min<std::size_t>(left / 3, options.max_transfer_bytes / kMinTransferBytes);
  options.max_connections = std::min(options.max_connections, left - transfers);
  options.max_transfer_bytes =
      std::min<std::uint64_t>(options.max_transfer_bytes, (transfers + 1) * kMinTransferBytes - 1);
}

}  // namespace http
