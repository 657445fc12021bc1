// The socket's side of a session: buffered reading, writing, time-outs, watching for the peer's going, trips to the
// pool. Included by session.cc alone (Asio coroutines compile slowly).
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/acknowledged.h"
#include "http/mailbox.h"
#include "http/peer.h"
#include "http/request_parser.h"
#include "http/response_head.h"
#include "http/session.h"

namespace http {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using Steady = std::chrono::steady_clock;

inline constexpr Steady::time_point kForever = Steady::time_point::max();
inline constexpr std::size_t kHeadReadBytes = 16 * 1024;  // a head and a small body in one read
inline constexpr std::size_t kChunkedReadBytes = 64 * 1024;
inline constexpr std::size_t kMaxChunkHeadBytes = 16 * 1024;  // a chunk's size line with extensions, or all trailers
// Size lines, extensions and trailers of one chunked body: kMaxChunkPadding bytes, and kMaxChunkOverhead for each byte
// of data ("1\r\nx\r\n" takes five).
inline constexpr std::uint64_t kMaxChunkPadding = 64 * 1024;
inline constexpr std::uint64_t kMaxChunkOverhead = 8;
inline constexpr std::size_t kWatchReadBytes = 512;         // a client that waits for an answer seldom says anything
inline constexpr std::size_t kMaxWatchedBytes = 64 * 1024;  // of pipelined requests read while one waits
inline constexpr std::size_t kJoinBytes = 16 * 1024;        // head and body up to this go in one buffer
inline constexpr std::size_t kStreamWriteBytes = 64 * 1024;
inline constexpr std::chrono::seconds kLinger{2};  // for the client to read the last answer before a close

inline std::uint64_t Seconds(std::chrono::seconds duration) {
  return static_cast<std::uint64_t>(duration.count());
}

struct HeadResult {
  bool closed = false;               // or
  std::optional<base::Error> error;  // or
  std::size_t bytes = 0;             // of the head, at the start of the buffer
};

template <typename Stream>
class SessionIo : public SessionControl, public std::enable_shared_from_this<SessionIo<Stream>> {
 public:
  static constexpr bool kTls = !std::is_same_v<Stream, tcp::socket>;

  // `refusal`: of a connection that is only told that there is no room.
  SessionIo(ServerState& state, Shard& shard, Stream stream, std::string peer, std::optional<Budget::Share> refusal)
      : state_(state),
        peer_(std::move(peer)),
        refusal_(std::move(refusal)),
        shard_(shard),
        stream_(std::move(stream)),
        watchdog_(shard.context),
        event_(shard.context),
        tick_(std::min({state.options.header_timeout, state.options.idle_timeout, state.options.body_timeout})),
        quota_(std::max<std::uint64_t>(1, state.options.min_body_rate * Seconds(state.options.body_timeout))) {
    shard_.sessions.insert(this);
  }
  ~SessionIo() override {
    Detach();
    LeaveQueue();
    shard_.sessions.erase(this);
    if (!refusal_ && state_.options.max_connections_per_address > 0) state_.addresses.Remove(AddressKey(peer_));
    refusal_.reset();  // before the count: refused ones are never more than all
    state_.connections.Remove();
  }
  SessionIo(const SessionIo&) = delete;
  SessionIo& operator=(const SessionIo&) = delete;

  void OnDrain() override {
    if (phase_ == Phase::kIdle || phase_ == Phase::kStreaming) Kill();
  }
  void Kill() override {
    killed_ = true;
    LeaveQueue();
    boost::system::error_code ignored;
    Socket().close(ignored);
    event_.cancel();
  }
  void Detach() override {
    if (mailbox_) mailbox_->Close();
    if (waker_) waker_->Close();
  }

 protected:
  enum class Phase : std::uint8_t { kIdle, kServing, kStreaming };
  static constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

  tcp::socket& Socket() {
    if constexpr (kTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }
  [[nodiscard]] std::string_view Buffered() const {
    return {static_cast<const char*>(buffer_.data().data()), buffer_.size()};
  }

  // ---- time-outs: one lazy timer; arming it again is mostly an assignment ----

  void Arm(Steady::duration patience) {
    expired_ = false;
    deadline_ = Steady::now() + patience;
    if (!watching_clock_ || deadline_ < look_at_) WatchClock();
  }
  void Disarm() { deadline_ = kForever; }
  // Looks at the deadline at least once in the shortest time-out, so that a later Arm seldom needs an earlier look.
  void WatchClock() {
    watching_clock_ = true;
    look_at_ = std::min(deadline_, Steady::now() + tick_);
    watchdog_.expires_at(look_at_);
    watchdog_.async_wait([weak = this->weak_from_this()](boost::system::error_code ec) {
      const auto self = weak.lock();
      if (self && !ec) self->OnClock();
    });
  }
  void OnClock() {
    watching_clock_ = false;
    if (killed_ || deadline_ == kForever) return;
    if (Steady::now() < deadline_) return WatchClock();
    if (writing_ && AcknowledgedBytes(Socket().native_handle()) >= acknowledged_ + quota_) return Progressed();
    expired_ = true;
    deadline_ = kForever;
    boost::system::error_code ignored;
    Socket().cancel(ignored);
  }

  // A body, either way, moves quota_ bytes in each body_timeout. Only the time spent waiting for the peer counts: it
  // goes on where it stopped when the handler is done with a piece. Of what is written both count: that the kernel took
  // it, and that the peer has it. The first alone would be too little: a full socket takes nothing more before some 64
  // KiB of it have left, which an honest reader of 1 KB a second needs a minute for.
  void BeginBody() {
    patience_ = state_.options.body_timeout;
    moved_ = 0;
  }
  void AwaitPeer() { Arm(patience_); }
  void EndWait() {
    if (deadline_ != kForever) patience_ = std::max(deadline_ - Steady::now(), Steady::duration(0));
    Disarm();
  }
  void Moved(std::size_t bytes) {
    moved_ += bytes;
    if (moved_ >= quota_ && !expired_) Progressed();
  }
  void Progressed() {
    BeginBody();
    if (writing_) acknowledged_ = AcknowledgedBytes(Socket().native_handle());
    AwaitPeer();
  }

  // ---- reading ----

  asio::awaitable<bool> Handshake() {
    if constexpr (kTls) {
      Arm(state_.options.header_timeout);
      Enqueue(shard_.beginning);
      const auto [ec] = co_await stream_.async_handshake(ssl::stream_base::server, kToken);
      LeaveQueue();
      co_return !ec;
    }
    co_return true;
  }

  // Reads until a head is complete. An idle connection costs no buffer (without TLS).
  asio::awaitable<HeadResult> ReadHead() {
    HeadResult result;
    result.closed = true;
    HeadScanner scanner;
    phase_ = Phase::kIdle;
    if (state_.draining && buffer_.size() == 0) co_return result;
    const bool begun = co_await AwaitFirstByte();
    if (!begun) co_return result;
    phase_ = Phase::kServing;
    Arm(state_.options.header_timeout);
    for (;;) {
      SkipEmptyLine();
      auto scanned = scanner.Scan(Buffered());
      const std::size_t size = scanned ? scanned->value_or(buffer_.size()) : 0;
      if (!scanned) {
        result.error = std::move(scanned).error();
      } else if (size > state_.options.max_header_bytes) {
        const bool line = scanner.first_line_bytes() > state_.options.max_header_bytes / 2;
        result.error = base::Error{.code = base::Code::kTooLarge,
                                   .message = line ? "The request target is too long" : "The head is too large",
                                   .reason = std::string(line ? kReasonTargetTooLong : kReasonHeaderTooLarge)};
      } else if (*scanned) {
        result.bytes = size;
      }
      if (result.error || result.bytes > 0) break;
      Enqueue(shard_.beginning);
      const auto [ec, n] = co_await stream_.async_read_some(buffer_.prepare(kHeadReadBytes), kToken);
      buffer_.commit(n);
      if ((ec && !expired_) || killed_) co_return result;
      if (expired_) {  // also when bytes came in the same moment: nobody would look at the clock again
        result.error = base::Error{.code = base::Code::kTimeout,
                                   .message = "The head took too long",
                                   .reason = std::string(kReasonHeaderTimeout)};
        break;
      }
    }
    LeaveQueue();
    result.closed = false;
    co_return result;
  }
  asio::awaitable<bool> AwaitFirstByte() {
    if (buffer_.size() > 0) co_return true;
    Enqueue(shard_.idle);
    Arm(state_.options.idle_timeout);
    bool came = false;
    if constexpr (kTls) {
      const auto [ec, n] = co_await stream_.async_read_some(buffer_.prepare(kHeadReadBytes), kToken);
      buffer_.commit(n);
      came = !ec;
    } else {
      buffer_.shrink_to_fit();
      const auto [ec] = co_await stream_.async_wait(tcp::socket::wait_read, kToken);
      came = !ec;
    }
    LeaveQueue();
    co_return came;
  }
  // Where it stands among those that may have to make room. Who is in a queue already keeps its place.
  void Enqueue(std::list<SessionControl*>& queue) {
    if (queue_ != nullptr || killed_) return;
    queue_ = &queue;
    place_ = queue.insert(queue.end(), this);
  }
  void LeaveQueue() {
    if (queue_ != nullptr) queue_->erase(place_);
    queue_ = nullptr;
  }
  // RFC 9112 section 2.2: an empty line before a request is forgiven.
  void SkipEmptyLine() {
    if (Buffered().starts_with("\r\n")) buffer_.consume(2);
  }
  // More of a body into the buffer, under the patience of BeginBody.
  asio::awaitable<bool> ReadMore(std::size_t bytes) {
    AwaitPeer();
    const auto [ec, n] = co_await stream_.async_read_some(buffer_.prepare(bytes), kToken);
    buffer_.commit(n);
    Moved(n);
    EndWait();
    co_return !ec && !expired_;
  }
  // From the buffer first, then past it straight into `to`.
  asio::awaitable<bool> ReadExactly(char* to, std::size_t bytes) {
    std::size_t have = std::min(bytes, buffer_.size());
    std::copy_n(Buffered().data(), have, to);
    buffer_.consume(have);
    AwaitPeer();
    bool alive = true;
    while (have < bytes && alive) {
      const auto [ec, n] = co_await stream_.async_read_some(asio::buffer(to + have, bytes - have), kToken);
      have += n;
      Moved(n);
      alive = !ec && !expired_;
    }
    EndWait();
    co_return alive;
  }
  asio::awaitable<bool> Discard(std::uint64_t bytes) {
    BeginBody();
    while (bytes > 0) {
      if (buffer_.size() == 0) {
        const bool more = co_await ReadMore(kHeadReadBytes);
        if (!more) co_return false;
      }
      const auto used = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, buffer_.size()));
      buffer_.consume(used);
      bytes -= used;
    }
    co_return true;
  }

  // ---- writing ----

  // Under the patience of BeginBody.
  asio::awaitable<bool> Write(std::string_view first, std::string_view second) {
    writing_ = true;
    AwaitPeer();
    bool alive = true;
    while (alive && (!first.empty() || !second.empty())) {
      std::array<asio::const_buffer, 2> both{asio::buffer(first), asio::buffer(second)};
      if (first.empty()) std::swap(both[0], both[1]);  // TLS sends the first one
      const auto [ec, n] = co_await stream_.async_write_some(both, kToken);
      const std::size_t of_first = std::min(n, first.size());
      first.remove_prefix(of_first);
      second.remove_prefix(n - of_first);
      Moved(n);
      alive = !ec && !expired_;
    }
    EndWait();
    writing_ = false;
    co_return alive;
  }

  // A close that lets the client read the last answer: closing with unread bytes would reset the connection under it.
  asio::awaitable<void> Close() {
    if (!killed_ && !broken_ && !peer_gone_ && phase_ != Phase::kIdle) {
      deadline_ = kForever;
      Arm(kLinger);
      if constexpr (kTls) {
        co_await stream_.async_shutdown(kToken);
      }
      boost::system::error_code ignored;
      Socket().shutdown(tcp::socket::shutdown_send, ignored);
      std::array<char, 4096> waste;
      while (!expired_ && !killed_) {
        const auto [ec, n] = co_await Socket().async_read_some(asio::buffer(waste), kToken);
        if (ec) break;
      }
    }
    boost::system::error_code ignored;
    // Whoever was cut off must not go on holding what the socket has for it.
    if (broken_) Socket().set_option(asio::socket_base::linger(true, 0), ignored);
    Socket().close(ignored);
  }

  // ---- waiting for others ----

  asio::awaitable<void> WaitEvent(Steady::time_point until) {
    event_.expires_at(until);
    co_await event_.async_wait(kToken);
  }
  // For other threads; valid until Detach.
  std::function<void()> MakeWake() {
    return [this] {
      if (wake_posted_.exchange(true)) return;
      asio::post(shard_.context, [weak = this->weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->wake_posted_ = false;
        self->ready_ = true;
        self->event_.cancel();
      });
    };
  }
  // Reads whatever the client says while it waits: the only way to learn that it went.
  void StartWatch() {
    if (watching_peer_ || buffer_.size() >= kMaxWatchedBytes) return;
    watching_peer_ = true;
    stream_.async_read_some(
        buffer_.prepare(kWatchReadBytes),
        [self = this->shared_from_this()](boost::system::error_code ec, std::size_t n) { self->OnWatched(ec, n); });
  }
  void OnWatched(boost::system::error_code ec, std::size_t n) {
    watching_peer_ = false;
    buffer_.commit(n);
    if (ec && !(stopping_watch_ && ec == asio::error::operation_aborted)) peer_gone_ = true;
    if (!ec && !stopping_watch_) StartWatch();
    event_.cancel();
  }
  asio::awaitable<void> StopWatch() {
    stopping_watch_ = true;
    boost::system::error_code ignored;
    if (watching_peer_) Socket().cancel(ignored);
    while (watching_peer_) co_await WaitEvent(kForever);
    stopping_watch_ = false;
  }

  // Runs `work` on the blocking pool and comes back.
  asio::awaitable<void> OnPool(std::function<void()>& work) {
    Disarm();
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this, &work](auto handler) {
          asio::post(*state_.pool, [this, &work, handler = std::move(handler)]() mutable {
            work();
            asio::post(shard_.context, std::move(handler));
          });
        },
        asio::use_awaitable);
  }

  // ---- event streams ----

  asio::awaitable<bool> SendStream(const std::string& head, BodyStream& stream, Framing framing) {
    BeginBody();
    const bool head_sent = co_await Write(head, {});
    if (!head_sent) co_return false;
    phase_ = Phase::kStreaming;
    // Little is sent, all of it fits into the socket, and nothing else would notice that the client is gone,
    // or reads no more. It stays so for what comes after the stream.
    SetUserTimeout(Socket(), state_.options.body_timeout);
    waker_ = std::make_shared<Waker>(MakeWake());
    stream.OnReady([waker = waker_] { waker->Wake(); });
    StartWatch();
    const bool ended = state_.draining ? false : co_await PumpStream(stream, framing);
    waker_->Close();
    waker_.reset();
    co_await StopWatch();
    phase_ = Phase::kServing;
    co_return ended;
  }
  asio::awaitable<bool> PumpStream(BodyStream& stream, Framing framing) {
    auto sent_at = Steady::now();
    while (!peer_gone_ && !killed_) {
      ready_ = false;
      bool end = false;
      std::string out = Gather(stream, framing, end);
      const bool quiet = out.empty() && !end;
      if (quiet && Steady::now() < sent_at + state_.options.keepalive) {
        co_await WaitEvent(sent_at + state_.options.keepalive);
        continue;
      }
      if (quiet) AppendFramed(out, stream.Keepalive(), framing);
      if (end && framing == Framing::kChunked) out += kLastChunk;
      BeginBody();
      const bool sent = co_await Write(out, {});
      if (!sent) co_return false;
      if (end) co_return true;
      sent_at = Steady::now();
    }
    co_return false;
  }
  std::string Gather(BodyStream& stream, Framing framing, bool& end) {
    std::string out;
    while (!end && out.size() < kStreamWriteBytes) {
      const auto data = stream.Poll(end);
      if (!data) break;
      AppendFramed(out, *data, framing);
    }
    return out;
  }
  static void AppendFramed(std::string& out, std::string_view data, Framing framing) {
    if (data.empty()) return;  // an empty chunk would end the body
    if (framing == Framing::kChunked) {
      AppendChunk(out, data);
    } else {
      out += data;
    }
  }

  ServerState& state_;
  const std::string peer_;
  std::optional<Budget::Share> refusal_;
  Shard& shard_;
  Stream stream_;
  boost::beast::flat_buffer buffer_;
  asio::steady_timer watchdog_;
  asio::steady_timer event_;
  const std::chrono::seconds tick_;
  const std::uint64_t quota_;       // bytes of a body in each body_timeout
  std::uint64_t moved_ = 0;         // since the last quota_
  std::uint64_t acknowledged_ = 0;  // bytes, when a quota_ of written ones was last done
  Steady::duration patience_{};
  std::list<SessionControl*>* queue_ = nullptr;  // of the shard
  std::list<SessionControl*>::iterator place_;   // in it
  Steady::time_point deadline_ = kForever;
  Steady::time_point look_at_ = kForever;
  Phase phase_ = Phase::kServing;
  bool writing_ = false;
  bool watching_clock_ = false;
  bool watching_peer_ = false;
  bool stopping_watch_ = false;
  bool expired_ = false;
  bool killed_ = false;
  bool broken_ = false;
  bool peer_gone_ = false;
  bool ready_ = false;  // a wake came since the last Poll
  std::atomic<bool> wake_posted_{false};
  std::shared_ptr<Mailbox> mailbox_;  // while an answer is awaited
  std::shared_ptr<Waker> waker_;      // while streaming
};

}  // namespace http
