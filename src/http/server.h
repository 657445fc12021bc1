// An HTTP/1.1 server (Boost.Beast, Asio coroutines) with time-outs and bounds on everything a client controls.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "http/message.h"

namespace http {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;     // 0: any free one
  std::string tls_cert_file;  // PEM chain; empty: no TLS
  std::string tls_key_file;
  int io_threads = 1;
  int blocking_threads = 8;                    // run Begin, Write, Finish
  std::size_t max_connections = 20'000;        // above: accepted and closed at once; see reserved_descriptors
  std::uint32_t max_header_bytes = 16 * 1024;  // 431 above
  std::chrono::seconds header_timeout{10};     // from the first byte of a request to the end of its head
  std::chrono::seconds idle_timeout{60};       // between requests
  std::chrono::seconds body_timeout{30};       // without any progress of a body, either way
  std::chrono::seconds keepalive{15};          // of a BodyStream
  std::size_t body_piece_bytes = 256 * 1024;   // read ahead of Call::Write
  // Of the process's descriptors (base::DescriptorLimit at Listen) so many are the rest of the program's. Connections
  // get what is left at two each, one for a file that is sent: clients alone must never leave the program without any.
  std::uint64_t reserved_descriptors = 64;
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
