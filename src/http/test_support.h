// For the tests of this folder: a raw client that says exactly what it is told, and a handler made of functions.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "http/server.h"

namespace http::test {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
inline constexpr std::chrono::seconds kPatience{20};  // of every wait in these tests

// A blocking TCP client. Every read ends at a deadline.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
      // As on a network: the loopback's segments of 64 KiB would fill a small buffer at once and empty it at once.
      const int segment = 1000;
      setsockopt(fd_, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { Close(); }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_), buffer_(std::move(other.buffer_)) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // False when the peer has closed or nothing could be sent for kPatience.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      pollfd waiting{.fd = fd_, .events = POLLOUT, .revents = 0};
      if (::poll(&waiting, 1, 20'000) != 1) return false;
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EAGAIN) continue;
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Everything up to and with `mark`; "" when the connection ends or the deadline passes first.
  std::string ReadUntil(std::string_view mark) {
    for (;;) {
      const std::size_t at = buffer_.find(mark);
      if (at != std::string::npos) return TakeBytes(at + mark.size());
      if (!ReadSome()) return {};
    }
  }
  std::string ReadBytes(std::size_t count) {
    while (buffer_.size() < count) {
      if (!ReadSome()) return {};
    }
    return TakeBytes(count);
  }
  // Everything until the server closes; fails the test if it does not.
  std::string ReadToEnd() {
    while (ReadSome()) {
    }
    EXPECT_TRUE(ended_) << "the server keeps the connection open";
    return std::exchange(buffer_, {});
  }
  // Head and body (by its Content-Length) of one response.
  std::string ReadResponse() {
    std::string head = ReadUntil("\r\n\r\n");
    const std::size_t at = head.find("Content-Length: ");
    if (at == std::string::npos) return head;
    return head + ReadBytes(std::stoul(head.substr(at + 16)));
  }
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  bool ReadSome() {
    if (ended_) return false;
    pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 20'000) != 1) return false;
    char bytes[65536];
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    buffer_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }
  std::string TakeBytes(std::size_t count) {
    std::string out = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return out;
  }

  int fd_;
  bool connected_ = false;
  bool ended_ = false;
  std::string buffer_;
};

class TempFolder {
 public:
  TempFolder() {
    std::string name = std::filesystem::temp_directory_path() / "http-test-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Something that happens once, on another thread.
class Event {
 public:
  void Set() {
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] bool Wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;  // guarded by mutex_
};

inline Response Text(int status, std::string body) {
  return {.status = status, .headers = {{"Content-Type", "text/plain"}}, .body = std::move(body)};
}

// A call made of functions; each may be left out.
struct Script {
  std::function<base::Status(std::string_view)> write = [](std::string_view) { return base::Status(); };
  std::function<void(Respond)> finish = [](Respond respond) { respond(Text(200, "ok")); };
  std::function<Response(const base::Error&)> fail = [](const base::Error& error) {
    return Text(base::PolicyOf(error.code).http_status, error.reason);
  };
  std::function<void()> abandoned = [] {};
};
class ScriptedCall final : public Call {
 public:
  explicit ScriptedCall(Script script) : script_(std::move(script)) {}
  base::Status Write(std::string_view piece) override { return script_.write(piece); }
  void Finish(Respond respond) override { script_.finish(std::move(respond)); }
  Response Fail(const base::Error& error) override { return script_.fail(error); }
  void Abandoned() override { script_.abandoned(); }

 private:
  Script script_;
};
inline Handler::Plan PlanOf(Script script, std::uint64_t max_body_bytes = 1U << 20U) {
  Handler::Plan plan;
  plan.call = std::make_unique<ScriptedCall>(std::move(script));
  plan.max_body_bytes = max_body_bytes;
  return plan;
}
// Answers the whole body with a function of it.
inline Handler::Plan Simple(std::function<Response(std::string)> function, std::uint64_t max_body_bytes = 1U << 20U) {
  Handler::Plan plan;
  plan.call = std::make_unique<SimpleCall>(std::move(function), [](const base::Error& error) {
    return Text(base::PolicyOf(error.code).http_status, error.reason);
  });
  plan.max_body_bytes = max_body_bytes;
  return plan;
}

class ScriptedHandler final : public Handler {
 public:
  std::function<Plan(const RequestHead&)> begin = [](const RequestHead& head) {
    return Simple([head](std::string body) { return Text(200, head.method + " " + head.path + " " + body); });
  };
  Plan Begin(const RequestHead& head) override { return begin(head); }
  Response Malformed(const base::Error& error) override { return Text(MalformedStatus(error), error.reason); }
};

class ServerTest : public ::testing::Test {
 protected:
  void TearDown() override { server_.reset(); }
  void Start() {
    auto server = Server::Listen(options_, handler_);
    ASSERT_TRUE(server.has_value()) << server.error().message;
    server_ = std::move(*server);
    server_->Start();
  }
  [[nodiscard]] RawClient Connect(int receive_buffer = 0) { return RawClient(server_->port(), receive_buffer); }
  [[nodiscard]] std::string Url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + std::string(path);
  }
  // Sends it all, reads until the server closes.
  [[nodiscard]] std::string Talk(std::string_view request) {
    RawClient client = Connect();
    EXPECT_TRUE(client.Send(request));
    return client.ReadToEnd();
  }
  // Waits (bounded) until the server counts `count` connections.
  [[nodiscard]] bool AwaitConnections(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (server_->connections() != count && std::chrono::steady_clock::now() < deadline) ::poll(nullptr, 0, 1);
    return server_->connections() == count;
  }

  ServerOptions options_;
  ScriptedHandler handler_;
  std::unique_ptr<Server> server_;
};

}  // namespace http::test
