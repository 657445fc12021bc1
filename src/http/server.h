// An HTTP/1.1 server (Boost.Beast, Asio coroutines) with time-outs and bounds on everything a client controls.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "http/message.h"

namespace http {

inline constexpr std::uint64_t kMinTransferBytes = 256 * 1024;  // what each transfer counts at least

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;     // 0: any free one
  std::string tls_cert_file;  // PEM chain; empty: no TLS
  std::string tls_key_file;
  int io_threads = 1;
  int blocking_threads = 8;  // run Begin, Write, Finish
  // Above it the connection that has been idle longest makes room; is none idle, the new one is answered 503.
  std::size_t max_connections = 20'000;
  // From one client address, 503 above; 0: no such limit. Behind a proxy all come from one address.
  std::size_t max_connections_per_address = 0;
  // Memory of the transfers under way: bodies that arrive in pieces, files, answers over 64 KiB that were made for one
  // request. 503 above.
  std::uint64_t max_transfer_bytes = 512ULL << 20U;
  std::uint32_t max_header_bytes = 16 * 1024;  // 431 above, 414 if most of it is the request line
  std::chrono::seconds header_timeout{10};     // from the first byte of a request to the end of its head
  std::chrono::seconds idle_timeout{60};       // between requests
  // A body, either way, must move min_body_rate x body_timeout bytes (or end) in each body_timeout. A client whose
  // system answers nothing for so long is taken for gone.
  std::chrono::seconds body_timeout{30};
  std::uint64_t min_body_rate = 256;          // bytes per second; 0: any progress will do
  std::chrono::seconds keepalive{15};         // of a BodyStream
  std::size_t body_piece_bytes = 256 * 1024;  // read ahead of Call::Write
};

class Server {
 public:
  // Binds and listens, but serves nothing before Start. kUnavailable (address in use), kInvalid (bad certificate).
  [[nodiscard]] static base::Result<std::unique_ptr<Server>> Listen(const ServerOptions& options, Handler& handler);
  virtual ~Server() = default;  // stops hard
  virtual void Start() = 0;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual std::size_t connections() const = 0;
  // Stops accepting, lets requests in flight end for at most `grace`, closes idle and streaming connections at once.
  virtual void Drain(std::chrono::milliseconds grace) = 0;
};

}  // namespace http
