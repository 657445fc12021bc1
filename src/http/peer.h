// The peer of a session: what counts as its address, and how long the system waits for it. Included by session_io.h and
// session.cc alone.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <string>

namespace http {

inline constexpr std::int64_t kUnsentBytes = 128 * 1024;  // of an answer in the kernel, beside what is on its way

// What counts as one address: of IPv6 the network that one customer is given.
inline std::string AddressKey(const std::string& peer) {
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(peer, ec);
  if (ec || !address.is_v6() || address.to_v6().is_v4_mapped()) return peer;
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return boost::asio::ip::make_address_v6(bytes).to_string();
}
// How long the system may wait for a peer that has data outstanding, 0: until its retries end. It counts a window that
// opens too little for what stands first in the queue, too, and so cuts off readers that are merely slow; and it takes
// the place of the count of keep-alive probes.
inline void SetUserTimeout(boost::asio::ip::tcp::socket& socket, std::chrono::seconds patience) {
  const int milliseconds = static_cast<int>(std::min<std::int64_t>(patience.count(), 86'400) * 1000);
  (void)::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

}  // namespace http
