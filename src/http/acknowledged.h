// How far a peer is with what was sent to it. Linux.
#pragma once

#include <cstdint>

namespace http {

// Bytes that the peer's system has acknowledged since the connection began (RFC 4898 tcpEStatsAppHCThruOctetsAcked); 0
// where the kernel does not tell.
[[nodiscard]] std::uint64_t AcknowledgedBytes(int socket);

}  // namespace http
