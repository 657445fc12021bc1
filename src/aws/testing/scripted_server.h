// For the tests of this folder: a server on loopback that does to each request what a script says.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace aws::testing {

struct SeenRequest {
  std::string head;  // request line and headers
  std::string body;
  int connection = 0;  // counted from 0
  // The value of a header, name in lower case; "" if absent.
  [[nodiscard]] std::string header(std::string_view name) const {
    std::string lower = head;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    const std::size_t at = lower.find("\r\n" + std::string(name) + ":");
    if (at == std::string::npos) return "";
    std::size_t from = at + name.size() + 3;
    while (from < head.size() && head[from] == ' ') ++from;
    return head.substr(from, head.find("\r\n", from) - from);
  }
};

enum class Then : std::uint8_t { kKeep, kClose, kReset, kHang };
struct Reaction {
  std::string bytes;
  Then then = Then::kKeep;
};

[[nodiscard]] inline Reaction Answer(int status, std::string body, std::string headers = "") {
  return {.bytes = "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: " + std::to_string(body.size()) +
                   "\r\n" + headers + "\r\n" + body};
}

class ScriptedServer {
 public:
  // index: of the request, from 0, over all connections.
  using Script = std::function<Reaction(int index, const SeenRequest& request)>;
  explicit ScriptedServer(Script script) : script_(std::move(script)), listen_fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    (void)::bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), size);
    (void)::listen(listen_fd_, 64);
    (void)::getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~ScriptedServer() {
    stopping_ = true;
    acceptor_.join();
    for (std::thread& thread : connections_) thread.join();
    ::close(listen_fd_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::string url() const { return "http://" + authority(); }
  [[nodiscard]] std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::vector<SeenRequest> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  static constexpr int kPollMs = 20;

  void Accept() {
    for (int count = 0; !stopping_;) {
      pollfd waiting{.fd = listen_fd_, .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, kPollMs) != 1) continue;
      const int fd = ::accept(listen_fd_, nullptr, nullptr);
      if (fd >= 0) connections_.emplace_back([this, fd, count] { Serve(fd, count); });
      ++count;
    }
  }
  void Serve(int fd, int connection) {
    std::string buffer;
    while (!stopping_) {
      SeenRequest request{.connection = connection};
      if (!ReadRequest(fd, buffer, request)) break;
      int index = 0;
      {
        const std::lock_guard lock(mutex_);
        index = static_cast<int>(seen_.size());
        seen_.push_back(request);
      }
      const Reaction reaction = script_(index, request);
      std::string_view left = reaction.bytes;
      while (!left.empty()) {
        const ssize_t sent = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;
        left.remove_prefix(static_cast<std::size_t>(sent));
      }
      if (reaction.then == Then::kKeep) continue;
      while (reaction.then == Then::kHang && !stopping_ && !Gone(fd)) {
      }
      const linger hard{.l_onoff = 1, .l_linger = 0};
      if (reaction.then == Then::kReset) ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
      break;
    }
    ::close(fd);
  }
  [[nodiscard]] static bool Gone(int fd) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    char byte = 0;
    return ::poll(&waiting, 1, kPollMs) == 1 && ::recv(fd, &byte, 1, MSG_PEEK) <= 0;
  }
  bool ReadRequest(int fd, std::string& buffer, SeenRequest& request) {
    const auto fill = [&] {
      for (;;) {
        pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
        if (stopping_) return false;
        if (::poll(&waiting, 1, kPollMs) != 1) continue;
        char bytes[65536];
        const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
        if (got <= 0) return false;
        buffer.append(bytes, static_cast<std::size_t>(got));
        return true;
      }
    };
    std::size_t end = 0;
    while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return false;
    }
    request.head = buffer.substr(0, end + 2);
    buffer.erase(0, end + 4);
    std::size_t length = 0;
    const std::string text = request.header("content-length");
    (void)std::from_chars(text.data(), text.data() + text.size(), length);
    while (buffer.size() < length) {
      if (!fill()) return false;
    }
    request.body = buffer.substr(0, length);
    buffer.erase(0, length);
    return true;
  }

  Script script_;
  int listen_fd_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<SeenRequest> seen_;  // guarded by mutex_
  std::list<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace aws::testing
