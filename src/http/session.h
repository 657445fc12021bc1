// One connection of the server. Everything here runs on the connection's shard (one I/O thread), except what is said to
// run on the blocking pool.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>

#include "http/admission.h"
#include "http/server.h"

namespace http {

// What the server may do to a session. On its shard, or when no thread runs any more.
class SessionControl {
 public:
  virtual ~SessionControl() = default;
  virtual void OnDrain() = 0;  // an idle or streaming connection ends; others end after their answer
  virtual void Kill() = 0;     // ends now
  virtual void Detach() = 0;   // no answer from another thread reaches it any more
};

// Counts connections, and lets a thread wait for the last one.
class ConnectionCount {
 public:
  void Add() { count_.fetch_add(1); }
  void Remove() {
    if (count_.fetch_sub(1) != 1) return;
    const std::lock_guard lock(mutex_);
    zero_.notify_all();
  }
  [[nodiscard]] std::size_t value() const { return count_.load(); }
  void WaitForZero(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    zero_.wait_until(lock, deadline, [&] { return count_.load() == 0; });
  }

 private:
  std::atomic<std::size_t> count_{0};
  std::mutex mutex_;  // orders a wait against the last Remove
  std::condition_variable zero_;
};

struct Shard {
  std::unordered_set<SessionControl*> sessions;
  // Of them, who makes room for a new one, the longest waiting first: those between requests, then those that have
  // begun a request's head or a handshake and not ended it.
  std::list<SessionControl*> idle;
  std::list<SessionControl*> beginning;
  boost::asio::io_context context{1};  // after sessions: what it destroys last still leaves the set
};

// Connections past a limit that are told so and linger until they have read it; further ones are just closed. They
// are beside max_connections, so that who is refused takes nobody's place.
inline constexpr std::size_t kCrowdRefusals = 64;
inline constexpr std::size_t kAddressRefusals = 16;

// What all sessions of a server share; it outlives them.
struct ServerState {
  ServerState(const ServerOptions& server_options, Handler& server_handler)
      : options(server_options), handler(server_handler), transfers(server_options.max_transfer_bytes) {}
  const ServerOptions options;
  Handler& handler;
  std::optional<boost::asio::ssl::context> tls;
  std::atomic<bool> draining{false};
  ConnectionCount connections;  // refused ones too
  Budget crowd_refusals{kCrowdRefusals};
  Budget address_refusals{kAddressRefusals};
  AddressCounts addresses;
  Budget transfers;
  boost::asio::thread_pool* pool = nullptr;
};

// Serves the socket until it ends, or refuses it when there is no room. The connection is counted already. On the
// shard's thread; the socket belongs to the shard's context.
void StartSession(ServerState& state, Shard& shard, boost::asio::ip::tcp::socket socket, std::string peer);

}  // namespace http
