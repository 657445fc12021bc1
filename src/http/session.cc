#include "http/session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <limits>

#include "http/exchange.h"
#include "http/mailbox.h"
#include "http/peer.h"
#include "http/request_parser.h"
#include "http/response_head.h"
#include "http/session_io.h"

namespace http {

namespace {

template <typename Stream>
class Session final : public SessionIo<Stream> {
  using Io = SessionIo<Stream>;
  using Io::buffer_;
  using Io::state_;

 public:
  using Io::Io;

  // `refusal`: there is no room for this connection; it is told so, and nothing is read.
  asio::awaitable<void> Run(const std::optional<base::Error>& refusal) {
    if (refusal) {
      co_await AnswerMalformed(*refusal);
    } else if (co_await this->Handshake()) {
      bool more = true;
      while (more && !this->killed_) more = co_await ServeNext();
    }
    co_await this->Close();
  }

 private:
  // Arguments of awaited calls are named objects, taken by reference: GCC 12 destroys a temporary aggregate among them
  // twice (GCC bug 104031 and its kin).

  // One request and its answer; false when the connection ends.
  asio::awaitable<bool> ServeNext() {
    HeadResult head = co_await this->ReadHead();
    if (head.closed) co_return false;
    if (head.error) {
      co_await AnswerMalformed(*head.error);
      co_return false;
    }
    RequestParser parser;
    auto parsed = parser.ParseHead(this->Buffered().substr(0, head.bytes));
    buffer_.consume(head.bytes);
    if (!parsed) {
      co_await AnswerMalformed(parsed.error());
      co_return false;
    }
    if (state_.draining) {
      const base::Error refusal{.code = base::Code::kUnavailable, .message = "Shutting down", .reason = "draining"};
      co_await AnswerMalformed(refusal);
      co_return false;
    }
    parsed->request.peer = this->peer_;
    parsed->request.tls = Io::kTls;
    Exchange exchange(std::move(*parsed), state_.handler);
    co_return co_await Serve(exchange, parser);
  }

  asio::awaitable<bool> Serve(Exchange& exchange, RequestParser& parser) {
    const std::string_view whole = exchange.WholeBody(this->Buffered());
    std::function<void()> begin = [&exchange, whole] { exchange.Begin(whole); };
    co_await this->OnPool(begin);
    if (exchange.body_done()) buffer_.consume(whole.size());
    if (!exchange.answered() && !exchange.body_done()) {
      const bool alive = co_await ReceiveBody(exchange, parser);
      if (!alive) co_return false;
    }
    if (this->killed_) co_return false;
    if (!exchange.answered()) {
      const bool replied = co_await AwaitReply(exchange);
      if (!replied) co_return false;
    }
    co_return co_await Answer(exchange);
  }

  // ---- the body ----

  // False when the client is gone. Afterwards the exchange is finished or has a refusal to send.
  asio::awaitable<bool> ReceiveBody(Exchange& exchange, RequestParser& parser) {
    const auto share =
        state_.transfers.Take(std::max<std::uint64_t>(kMinTransferBytes, state_.options.body_piece_bytes));
    if (!share) {
      const base::Error error = TooManyTransfers();
      co_await FailBody(exchange, error);
      co_return true;
    }
    this->BeginBody();
    if (exchange.head().expects_continue && buffer_.size() == 0) {
      const bool sent = co_await this->Write("HTTP/1.1 100 Continue\r\n\r\n", {});
      if (!sent) co_return co_await BodyBroke(exchange);
      exchange.SetContinued();
    }
    if (exchange.head().chunked) co_return co_await ReceiveChunked(exchange, parser);
    co_return co_await ReceiveLength(exchange);
  }

  asio::awaitable<bool> ReceiveLength(Exchange& exchange) {
    std::string piece;
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(state_.options.body_piece_bytes, exchange.unread())));
    while (!exchange.answered() && exchange.unread() > 0) {
      const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), exchange.unread()));
      const bool filled = co_await this->ReadExactly(piece.data(), want);
      if (!filled) co_return co_await BodyBroke(exchange);
      exchange.CountRead(want);
      co_await HandOver(exchange, std::string_view(piece).substr(0, want),
                        exchange.unread() == 0 ? Part::kLast : Part::kMore);
    }
    co_return true;
  }

  asio::awaitable<bool> ReceiveChunked(Exchange& exchange, RequestParser& parser) {
    std::string piece;
    std::uint64_t raw = 0;
    std::uint64_t data = 0;
    while (!exchange.answered() && !exchange.body_done()) {
      const std::size_t before = piece.size();
      const auto used = parser.ParseChunked(this->Buffered(), piece);
      raw += used.value_or(0);
      data += piece.size() - before;
      const bool padded = raw > kMaxChunkPadding + kMaxChunkOverhead * data;
      if (!used || padded || (*used == 0 && buffer_.size() > kMaxChunkHeadBytes)) {
        const base::Error error{
            .code = base::Code::kInvalid, .message = "The chunked body is malformed", .reason = "malformed-request"};
        co_await FailBody(exchange, error);
        co_return true;
      }
      buffer_.consume(*used);
      exchange.CountRead(piece.size() - before);
      if (exchange.OverLimit()) {
        const base::Error error = exchange.LimitError();
        co_await FailBody(exchange, error);
      } else if (parser.done()) {
        co_await HandOver(exchange, piece, Part::kLast);
      } else if (piece.size() >= state_.options.body_piece_bytes) {
        co_await HandOver(exchange, piece, Part::kMore);
        piece.clear();
      } else {
        const bool more = co_await this->ReadMore(kChunkedReadBytes);
        if (!more) co_return co_await BodyBroke(exchange);
      }
    }
    co_return true;
  }

  asio::awaitable<void> HandOver(Exchange& exchange, std::string_view piece, Part part) {
    std::function<void()> write = [&exchange, piece, part] { exchange.Write(piece, part); };
    co_await this->OnPool(write);
  }
  asio::awaitable<void> FailBody(Exchange& exchange, const base::Error& error) {
    std::function<void()> fail = [&exchange, &error] { exchange.FailBody(error); };
    co_await this->OnPool(fail);
  }
  // The socket ended or stalled within the body. True when the refusal can still be sent.
  asio::awaitable<bool> BodyBroke(Exchange& exchange) {
    const bool stalled = this->expired_;
    base::Error error{.code = base::Code::kCancelled, .message = "The client went away", .reason = "client-gone"};
    if (stalled) {
      error = {.code = base::Code::kTimeout,
               .message = "The body came too slowly",
               .reason = std::string(kReasonBodyTimeout)};
    }
    co_await FailBody(exchange, error);
    co_return stalled;
  }

  // ---- the answer ----

  // Waits for a handler that answers later, watching the client. False when the client went first.
  asio::awaitable<bool> AwaitReply(Exchange& exchange) {
    const std::shared_ptr<Mailbox> mailbox = exchange.mailbox();
    this->mailbox_ = mailbox;
    this->Disarm();
    if (mailbox->WaitWith(this->MakeWake())) {
      this->StartWatch();
      while (!mailbox->full() && !this->peer_gone_ && !this->killed_) co_await this->WaitEvent(kForever);
      co_await this->StopWatch();
    }
    this->mailbox_.reset();
    if (!mailbox->full()) {
      mailbox->Close();
      exchange.Abandon();
      co_return false;
    }
    exchange.TakeReply();
    co_return !this->killed_;
  }

  asio::awaitable<void> AnswerMalformed(const base::Error& error) {
    Exchange exchange(ParsedHead{}, state_.handler);
    exchange.AnswerMalformed(error);
    co_await Answer(exchange);
  }

  static base::Error TooManyTransfers() {
    return {.code = base::Code::kUnavailable,
            .message = "Too many large bodies are under way",
            .reason = std::string(kReasonTransfers)};
  }
  // A file's piece, or the answer itself when the client may take its time over it.
  static std::uint64_t HeldBytes(const Response& answer) {
    if (const auto* text = std::get_if<std::string>(&answer.body)) {
      return text->size() <= kSmallBodyBytes ? 0 : std::max<std::uint64_t>(text->size(), kMinTransferBytes);
    }
    return std::holds_alternative<FileBody>(answer.body) ? kMinTransferBytes : 0;
  }

  // Sends the answer; true when the connection can serve another request.
  asio::awaitable<bool> Answer(Exchange& exchange) {
    const auto share = state_.transfers.Take(HeldBytes(exchange.answer()));
    if (!share) {
      const base::Error error = TooManyTransfers();
      exchange.AnswerMalformed(error);
    }
    FileReader file;
    if (const auto* body = std::get_if<FileBody>(&exchange.answer().body)) {
      std::function<void()> open = [&exchange, &file, body] { exchange.OpenFile(*body, file); };
      co_await this->OnPool(open);
      if (this->killed_) co_return false;
    }
    this->BeginBody();
    const AnswerPlan plan = exchange.PlanAnswer(state_.draining);
    std::string head;
    AppendResponseHead(head, exchange.answer(), plan.shape);
    const bool sent = co_await SendAnswer(exchange, plan, head, file);
    exchange.Release();
    if (!sent) {
      this->broken_ = true;  // part of an answer must not look like a whole one
      co_return false;
    }
    if (plan.shape.persistence == Persistence::kClose) co_return false;
    co_return co_await this->Discard(exchange.unread());
  }

  asio::awaitable<bool> SendAnswer(Exchange& exchange, const AnswerPlan& plan, std::string& head, FileReader& file) {
    Response& answer = exchange.answer();
    if (!plan.has_body) co_return co_await this->Write(head, {});
    if (const auto text = answer.text()) {
      if (text->size() > kJoinBytes) co_return co_await this->Write(head, *text);
      head += *text;
      co_return co_await this->Write(head, {});
    }
    if (std::holds_alternative<FileBody>(answer.body)) co_return co_await SendFile(head, file);
    const auto stream = std::get<std::shared_ptr<BodyStream>>(std::exchange(answer.body, std::string()));
    co_return co_await this->SendStream(head, *stream, plan.shape.framing);
  }

  asio::awaitable<bool> SendFile(std::string& head, FileReader& file) {
    std::string piece;
    do {
      std::function<void()> read = [&file, &piece] { file.Read(piece); };
      co_await this->OnPool(read);
      if (file.failed() || this->killed_) co_return false;
      const bool sent = co_await this->Write(head, piece);
      if (!sent) co_return false;
      head.clear();
    } while (file.left() > 0);
    co_return true;
  }
};

constexpr std::int64_t kMaxKeepIdle = 3600;  // seconds; the kernel refuses over 32767

// Whether a connection that was counted already may stay. The error is why not; `told` is missing when it is not even
// told so.
struct Admission {
  std::optional<base::Error> error;
  std::optional<Budget::Share> told;
};

std::size_t Served(const ServerState& state) {
  const std::size_t refused =
      kCrowdRefusals - state.crowd_refusals.left() + kAddressRefusals - state.address_refusals.left();
  const std::size_t all = state.connections.value();
  return all - std::min(all, refused);
}

Admission Refuse(Budget& budget, std::string message) {
  base::Error error{
      .code = base::Code::kUnavailable, .message = std::move(message), .reason = std::string(kReasonCrowded)};
  return {.error = std::move(error), .told = budget.Take(1)};
}

// Makes room where some can be made.
Admission Admit(ServerState& state, Shard& shard, const std::string& peer) {
  const std::size_t per_address = state.options.max_connections_per_address;
  if (per_address > 0 && state.addresses.Add(AddressKey(peer)) > per_address) {
    state.addresses.Remove(AddressKey(peer));
    return Refuse(state.address_refusals, "Too many connections from this address");
  }
  if (Served(state) <= state.options.max_connections) return {};
  if (shard.idle.empty() && shard.beginning.empty()) {
    if (per_address > 0) state.addresses.Remove(AddressKey(peer));
    return Refuse(state.crowd_refusals, "Too many connections");
  }
  (shard.idle.empty() ? shard.beginning : shard.idle).front()->Kill();
  return {};
}

// A client that is gone without a word is noticed, idle or not, and what it does not read does not pile up here.
void SetOptions(tcp::socket& socket, const ServerOptions& options) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const auto set = [&](int name, std::int64_t value) {
    const int clipped = static_cast<int>(std::clamp<std::int64_t>(value, 1, std::numeric_limits<int>::max()));
    (void)::setsockopt(socket.native_handle(), IPPROTO_TCP, name, &clipped, sizeof clipped);
  };
  const std::int64_t patience = options.body_timeout.count();
  set(TCP_KEEPIDLE, std::min<std::int64_t>(patience, kMaxKeepIdle));
  set(TCP_KEEPINTVL, std::min<std::int64_t>(patience / 3, kMaxKeepIdle));
  set(TCP_KEEPCNT, 3);
  set(TCP_NOTSENT_LOWAT, kUnsentBytes);
}

template <typename Stream>
void Spawn(ServerState& state, Shard& shard, Stream stream, std::string peer, Admission admission) {
  auto session =
      std::make_shared<Session<Stream>>(state, shard, std::move(stream), std::move(peer), std::move(admission.told));
  // The frame owns the session, so whoever destroys the frame destroys the session.
  asio::co_spawn(
      shard.context,
      [](std::shared_ptr<Session<Stream>> self, std::optional<base::Error> why) -> asio::awaitable<void> {
        co_await self->Run(why);
      }(std::move(session), std::move(admission.error)),
      asio::detached);
}

}  // namespace

void StartSession(ServerState& state, Shard& shard, tcp::socket socket, std::string peer) {
  SetOptions(socket, state.options);
  Admission admission = Admit(state, shard, peer);
  // Before the handshake TLS has no way to say it.
  if (admission.error && (state.tls || !admission.told)) {
    admission.told.reset();
    return state.connections.Remove();
  }
  if (state.tls) {
    ssl::stream<tcp::socket> stream(std::move(socket), *state.tls);
    Spawn(state, shard, std::move(stream), std::move(peer), std::move(admission));
  } else {
    Spawn(state, shard, std::move(socket), std::move(peer), std::move(admission));
  }
}

}  // namespace http
