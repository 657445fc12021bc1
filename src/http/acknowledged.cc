#include "http/acknowledged.h"

#include <linux/tcp.h>  // not <netinet/tcp.h>, whose tcp_info ends before the field
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

namespace http {

std::uint64_t AcknowledgedBytes(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  const std::size_t needed = offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked;
  return size >= needed ? info.tcpi_bytes_acked : 0;
}

}  // namespace http
