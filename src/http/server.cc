#include "http/server.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "base/descriptors.h"
#include "base/log.h"
#include "http/session.h"

namespace http {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int kBacklog = 4096;                               // a burst of clients waits here rather than being reset
constexpr std::chrono::milliseconds kAcceptPause{20};        // after a failed accept (out of descriptors)
constexpr std::chrono::milliseconds kHardStopPatience{200};  // for killed sessions to leave

ServerOptions WithinDescriptors(ServerOptions options) {
  constexpr std::uint64_t kPerConnection = 2;
  const std::uint64_t limit = base::DescriptorLimit();
  const std::uint64_t spare = limit - std::min(limit, options.reserved_descriptors);
  const auto most = static_cast<std::size_t>(std::max<std::uint64_t>(1, spare / kPerConnection));
  options.max_connections = std::min(options.max_connections, most);
  return options;
}

base::Result<tcp::endpoint> EndpointOf(const ServerOptions& options) {
  std::string address = options.address;
  if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
    address = address.substr(1, address.size() - 2);
  }
  if (address == "localhost") address = "127.0.0.1";
  error_code ec;
  const auto ip = asio::ip::make_address(address, ec);
  if (ec) return base::Fail(base::Code::kInvalid, "The listen address is not an IP address: " + options.address);
  return tcp::endpoint(ip, options.port);
}

base::Status LoadTls(ServerState& state) {
  using asio::ssl::context;
  context& tls = state.tls.emplace(context::tls_server);
  tls.set_options(context::default_workarounds | context::no_sslv2 | context::no_sslv3 | context::no_tlsv1 |
                  context::no_tlsv1_1 | context::single_dh_use);
  SSL_CTX_set_mode(tls.native_handle(), SSL_MODE_RELEASE_BUFFERS);  // idle connections keep no record buffers
  error_code ec;
  tls.use_certificate_chain_file(state.options.tls_cert_file, ec);
  if (ec) return base::Fail(base::Code::kInvalid, "The TLS certificate does not load: " + ec.message());
  tls.use_private_key_file(state.options.tls_key_file, context::pem, ec);
  if (ec) return base::Fail(base::Code::kInvalid, "The TLS key does not load: " + ec.message());
  if (SSL_CTX_check_private_key(tls.native_handle()) != 1) {
    return base::Fail(base::Code::kInvalid, "The TLS key does not belong to the certificate");
  }
  return {};
}

class ServerImpl final : public Server {
 public:
  ServerImpl(const ServerOptions& options, Handler& handler)
      : state_(WithinDescriptors(options), handler),
        shards_(static_cast<std::size_t>(std::max(1, options.io_threads))) {
    for (auto& shard : shards_) shard = std::make_unique<Shard>();
    acceptor_ = std::make_unique<tcp::acceptor>(shards_.front()->context);
    accept_pause_ = std::make_unique<asio::steady_timer>(shards_.front()->context);
  }
  ~ServerImpl() override {
    Drain(std::chrono::milliseconds(0));
    if (pool_) pool_->join();
    for (auto& shard : shards_) shard->context.stop();
    threads_.clear();
    // No thread but handlers' own runs now, and those are cut off before the contexts go.
    for (auto& shard : shards_) {
      for (SessionControl* session : shard->sessions) session->Detach();
    }
    pool_.reset();
  }
  ServerImpl(const ServerImpl&) = delete;
  ServerImpl& operator=(const ServerImpl&) = delete;

  base::Status Open() {
    if (!state_.options.tls_cert_file.empty()) UT_TRY(LoadTls(state_));
    UT_TRY_ASSIGN(const tcp::endpoint endpoint, EndpointOf(state_.options));
    error_code ec;
    acceptor_->open(endpoint.protocol(), ec);
    if (!ec) acceptor_->set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec) acceptor_->bind(endpoint, ec);
    if (!ec) acceptor_->listen(kBacklog, ec);
    if (ec)
      return base::Fail(base::Code::kUnavailable, "Cannot listen on " + state_.options.address + ": " + ec.message());
    port_ = acceptor_->local_endpoint(ec).port();
    return {};
  }

  void Start() override {
    const std::lock_guard lock(mutex_);
    if (started_ || state_.draining) return;
    started_ = true;
    pool_.emplace(static_cast<std::size_t>(std::max(1, state_.options.blocking_threads)));
    state_.pool = &*pool_;
    Accept();
    for (auto& shard : shards_) {
      threads_.emplace_back([&context = shard->context] {
        const auto work = asio::make_work_guard(context);
        context.run();
      });
    }
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }
  [[nodiscard]] std::size_t connections() const override { return state_.connections.value(); }

  void Drain(std::chrono::milliseconds grace) override {
    const std::lock_guard lock(mutex_);
    state_.draining = true;
    if (!started_) {
      error_code ignored;
      acceptor_->close(ignored);
      return;
    }
    const auto deadline = std::chrono::steady_clock::now() + grace;
    asio::post(shards_.front()->context, [this] {
      error_code ignored;
      acceptor_->close(ignored);
      accept_pause_->cancel();
    });
    ForEachSession([](SessionControl& session) { session.OnDrain(); });
    state_.connections.WaitForZero(deadline);
    ForEachSession([](SessionControl& session) { session.Kill(); });
    state_.connections.WaitForZero(std::chrono::steady_clock::now() + kHardStopPatience);
  }

 private:
  template <typename Action>
  void ForEachSession(Action action) {
    for (auto& shard : shards_) {
      asio::post(shard->context, [&sessions = shard->sessions, action] {
        // A session may leave the set meanwhile, but only after this returns: leaving is posted too.
        const std::vector<SessionControl*> all(sessions.begin(), sessions.end());
        for (SessionControl* session : all) action(*session);
      });
    }
  }

  void Accept() {
    Shard& shard = *shards_[next_shard_++ % shards_.size()];
    acceptor_->async_accept(shard.context, accepted_from_, [this, &shard](error_code ec, tcp::socket socket) {
      if (!acceptor_->is_open()) return;
      if (ec) return AcceptLater();
      Admit(shard, std::move(socket));
      Accept();
    });
  }
  // Without a pause a process out of descriptors would spin.
  void AcceptLater() {
    accept_pause_->expires_after(kAcceptPause);
    accept_pause_->async_wait([this](error_code ec) {
      if (!ec && acceptor_->is_open()) Accept();
    });
  }
  void Admit(Shard& shard, tcp::socket socket) {
    if (state_.connections.value() >= state_.options.max_connections) return;  // closes it
    state_.connections.Add();
    std::string peer = accepted_from_.address().to_string();
    asio::dispatch(shard.context, [this, &shard, peer = std::move(peer), socket = std::move(socket)]() mutable {
      StartSession(state_, shard, std::move(socket), std::move(peer));
    });
  }

  ServerState state_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::optional<asio::thread_pool> pool_;
  std::unique_ptr<tcp::acceptor> acceptor_;           // on the first shard
  std::unique_ptr<asio::steady_timer> accept_pause_;  // on the first shard
  tcp::endpoint accepted_from_;
  std::size_t next_shard_ = 0;
  std::uint16_t port_ = 0;
  std::mutex mutex_;      // Start and Drain
  bool started_ = false;  // guarded by mutex_
  std::vector<std::jthread> threads_;
};

}  // namespace

base::Result<std::unique_ptr<Server>> Server::Listen(const ServerOptions& options, Handler& handler) {
  auto server = std::make_unique<ServerImpl>(options, handler);
  UT_TRY(server->Open());
  return server;
}

}  // namespace http
