// Bodies both ways: uploads, files, event streams; TLS.
#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <thread>

#include "http/client.h"
#include "http/test_support.h"

namespace http::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Post(std::uint64_t length, std::string_view more = "") {
  return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n" + std::string(more) +
         "\r\n";
}

TEST_F(ServerTest, AnUploadIsHandedOverInBoundedPieces) {
  constexpr std::size_t kTotal = 50U << 20U;
  std::atomic<std::size_t> largest = 0;
  std::atomic<std::size_t> total = 0;
  std::atomic<bool> in_order = true;
  handler_.begin = [&](const RequestHead&) {
    return PlanOf({.write =
                       [&](std::string_view piece) {
                         largest = std::max<std::size_t>(largest, piece.size());
                         in_order = in_order && piece.front() == static_cast<char>('a' + (total >> 20U) % 26);
                         total += piece.size();
                         return base::Status();
                       },
                   .finish = [](Respond respond) { respond(Text(200, "got it")); }},
                  kTotal);
  };
  Start();
  std::string body(kTotal, ' ');
  for (std::size_t i = 0; i < kTotal; ++i) body[i] = static_cast<char>('a' + (i >> 20U) % 26);
  Client client;
  const auto response = client.Send({.method = "PUT", .url = Url("/"), .body = body});
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->body, "got it");
  EXPECT_EQ(total, kTotal);
  EXPECT_LE(largest, options_.body_piece_bytes);
  EXPECT_TRUE(in_order);
}

TEST_F(ServerTest, ASlowHandlerHoldsTheSenderBack) {
  Event first;
  Event go;
  std::atomic<bool> sent_all = false;
  handler_.begin = [&](const RequestHead&) {
    return PlanOf({.write =
                       [&](std::string_view) {
                         first.Set();
                         EXPECT_TRUE(go.Wait());
                         return base::Status();
                       }},
                  1U << 30U);
  };
  Start();
  constexpr std::size_t kTotal = 64U << 20U;  // more than both kernels' buffers hold
  RawClient client = Connect();
  std::jthread sender([&] {
    EXPECT_TRUE(client.Send(Post(kTotal)));
    EXPECT_TRUE(client.Send(std::string(kTotal, 'x')));
    sent_all = true;
  });
  ASSERT_TRUE(first.Wait());
  EXPECT_FALSE(sent_all);
  go.Set();
  sender.join();
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, ALengthOverTheLimitIsRefusedAtOnce) {
  handler_.begin = [](const RequestHead&) { return PlanOf({}, 1000); };
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Post(1'000'000)));  // and no byte of the body
  const std::string answer = client.ReadToEnd();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(answer, EndsWith("body-too-large"));
}

TEST_F(ServerTest, AChunkedBodyOverTheLimitIsRefusedWhenItPassesIt) {
  handler_.begin = [](const RequestHead&) { return PlanOf({}, 1000); };
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n" +
                          std::string(0x800, 'x') + "\r\n"));
  EXPECT_THAT(client.ReadToEnd(), StartsWith("HTTP/1.1 413"));
}

TEST_F(ServerTest, ARefusedClientCanReadTheAnswerWhileItStillSends) {
  handler_.begin = [](const RequestHead&) {
    Handler::Plan plan;
    plan.refuse = Text(401, "who are you");
    return plan;
  };
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Post(8U << 20U)));
  (void)client.Send(std::string(4U << 20U, 'x'));
  const std::string answer = client.ReadUntil("who are you");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
}

TEST_F(ServerTest, ASmallRefusedBodyKeepsTheConnection) {
  handler_.begin = [](const RequestHead& head) {
    Handler::Plan plan = Simple([](std::string) { return Text(200, "second"); });
    if (head.method == "POST") plan.refuse = Text(404, "no");
    return plan;
  };
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Post(50'000)));
  EXPECT_THAT(client.ReadResponse(), EndsWith("no"));
  ASSERT_TRUE(client.Send(std::string(50'000, 'x') + "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(client.ReadResponse(), EndsWith("second"));
}

TEST_F(ServerTest, AnErrorOfTheHandlerEndsTheReading) {
  handler_.begin = [](const RequestHead&) {
    return PlanOf(
        {.write = [](std::string_view) -> base::Status { return base::Fail(base::Code::kInvalid, "bad", "bad-line"); }},
        1U << 30U);
  };
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Post(100U << 20U)));
  (void)client.Send(std::string(1U << 20U, 'x'));
  const std::string answer = client.ReadUntil("bad-line");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400"));
}

TEST_F(ServerTest, AStalledBodyIsToldSo) {
  options_.body_timeout = 1s;
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Post(10) + "abc"));
  const std::string answer = client.ReadToEnd();
  EXPECT_THAT(answer, EndsWith("body-timeout"));
}

TEST_F(ServerTest, ContinueIsSentBeforeTheBodyIsRead) {
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Post(3, "Expect: 100-continue\r\n")));
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(client.Send("abc"));
  EXPECT_THAT(client.ReadResponse(), EndsWith("POST / abc"));
}

TEST_F(ServerTest, ContinueIsNotSentToTheRefused) {
  handler_.begin = [](const RequestHead&) {
    Handler::Plan plan;
    plan.refuse = Text(401, "no");
    return plan;
  };
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Post(3, "Expect: 100-continue\r\n")));
  const std::string answer = client.ReadToEnd();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
}

TEST_F(ServerTest, ALargeAnswerArrivesWhole) {
  const std::string large(9U << 20U, 'z');
  handler_.begin = [&](const RequestHead&) { return Simple([&](std::string) { return Text(200, large); }); };
  Start();
  RawClient client = Connect(4096);
  ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(client.ReadResponse().ends_with(large));
}

TEST_F(ServerTest, AReaderThatStallsIsCutOff) {
  options_.body_timeout = 1s;
  handler_.begin = [&](const RequestHead&) {
    return Simple([](std::string) { return Text(200, std::string(64U << 20U, 'z')); });
  };
  Start();
  RawClient client = Connect(4096);
  ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(AwaitConnections(1));
  EXPECT_TRUE(AwaitConnections(0));
}

TEST_F(ServerTest, AFileIsServedByRange) {
  const TempFolder folder;
  std::string content(1'000'000, 'f');
  content.replace(10, 3, "abc");
  std::ofstream(folder / "file") << content;
  handler_.begin = [&](const RequestHead&) {
    return Simple([&](std::string) {
      return Response{.body = FileBody{.path = folder / "file", .offset = 10, .length = 900'000}};
    });
  };
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  const std::string answer = client.ReadResponse();
  EXPECT_THAT(answer.substr(0, 300), HasSubstr("Content-Length: 900000\r\n"));
  EXPECT_TRUE(answer.ends_with(content.substr(10, 900'000)));
}

TEST_F(ServerTest, AFileThatIsGoneOrTooShortIsA500) {
  const TempFolder folder;
  std::ofstream(folder / "file") << "short";
  handler_.begin = [&](const RequestHead& head) {
    return Simple([path = folder / head.path.substr(1)](std::string) {
      return Response{.body = FileBody{.path = path, .offset = 0, .length = 6}};
    });
  };
  Start();
  for (const char* path : {"/file", "/none", "/"}) {
    EXPECT_THAT(Talk(std::string("GET ") + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                StartsWith("HTTP/1.1 500"));
  }
}

// ---- event streams ----

class Feed final : public BodyStream {
 public:
  ~Feed() override { destroyed->Set(); }
  std::optional<std::string> Poll(bool& end) override {
    const std::lock_guard lock(mutex_);
    if (!items_.empty()) {
      std::string item = std::move(items_.front());
      items_.pop_front();
      return item;
    }
    end = ended_;
    return std::nullopt;
  }
  void OnReady(std::function<void()> wake) override {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
    started->Set();
  }
  std::string Keepalive() override { return ":\n\n"; }
  void Add(std::string item) {
    Change([&] { items_.push_back(std::move(item)); });
  }
  void End() {
    Change([&] { ended_ = true; });
  }

  std::shared_ptr<Event> started = std::make_shared<Event>();
  std::shared_ptr<Event> destroyed = std::make_shared<Event>();

 private:
  template <typename Action>
  void Change(Action change) {
    std::function<void()> wake;
    {
      const std::lock_guard lock(mutex_);
      change();
      wake = wake_;
    }
    if (wake) wake();
  }
  std::mutex mutex_;
  std::deque<std::string> items_;
  std::function<void()> wake_;
  bool ended_ = false;
};

class StreamTest : public ServerTest {
 protected:
  StreamTest() {
    handler_.begin = [this](const RequestHead&) {
      return Simple([this](std::string) {
        return Response{.headers = {{"Content-Type", "text/event-stream"}}, .body = std::shared_ptr<BodyStream>(feed_)};
      });
    };
  }
  std::shared_ptr<Feed> feed_ = std::make_shared<Feed>();
};

TEST_F(StreamTest, EventsFromAnotherThreadArriveAndTheEndIsClean) {
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("Transfer-Encoding: chunked\r\n"));
  for (int i = 0; i < 100; ++i) {
    std::jthread([&] { feed_->Add("data: 1\n\n"); }).join();
    ASSERT_EQ(client.ReadUntil("\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
  }
  feed_->End();
  EXPECT_EQ(client.ReadUntil("0\r\n\r\n"), "0\r\n\r\n");
  handler_.begin = ScriptedHandler().begin;
  ASSERT_TRUE(client.Send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(client.ReadResponse(), EndsWith("GET /next "));
}

TEST_F(StreamTest, SilenceIsBrokenByKeepalives) {
  options_.keepalive = 1s;
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(client.ReadUntil("3\r\n:\n\n\r\n"), HasSubstr("200 OK"));
}

TEST_F(StreamTest, Http10GetsItUntilTheClose) {
  feed_->Add("data: 1\n\n");
  feed_->End();
  Start();
  EXPECT_THAT(Talk("GET / HTTP/1.0\r\n\r\n"), EndsWith("\r\n\r\ndata: 1\n\n"));
}

TEST_F(StreamTest, AStreamWhoseClientLeftIsDestroyed) {
  Start();
  const auto destroyed = feed_->destroyed;
  {
    RawClient client = Connect();
    ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    ASSERT_TRUE(feed_->started->Wait());
    feed_.reset();
  }
  EXPECT_TRUE(destroyed->Wait());
  EXPECT_TRUE(AwaitConnections(0));
}

TEST_F(StreamTest, DrainEndsStreamsAtOnceAndLateWakesAreHarmless) {
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(feed_->started->Wait());
  ASSERT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("200 OK"));
  server_->Drain(20s);
  EXPECT_EQ(server_->connections(), 0U);
  server_.reset();
  feed_->Add("late");
}

TEST_F(StreamTest, AThousandIdleStreamsWaitSideBySide) {
  std::vector<std::shared_ptr<Feed>> feeds;
  std::mutex mutex;
  handler_.begin = [&](const RequestHead&) {
    return Simple([&](std::string) {
      const std::lock_guard lock(mutex);
      feeds.push_back(std::make_shared<Feed>());
      return Response{.body = std::shared_ptr<BodyStream>(feeds.back())};
    });
  };
  Start();
  std::vector<RawClient> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(Connect());
    ASSERT_TRUE(clients.back().Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  }
  for (auto& client : clients) ASSERT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("200 OK"));
  for (auto& feed : feeds) feed->Add("x");
  for (auto& client : clients) EXPECT_EQ(client.ReadUntil("x\r\n"), "1\r\nx\r\n");
}

// ---- TLS ----

// A self-signed certificate for 127.0.0.1 and its key, as PEM files.
void MakeCertificate(const std::string& cert_file, const std::string& key_file) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = X509_new();
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
  X509_set_pubkey(cert, key);
  X509_NAME* name = X509_get_subject_name(cert);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(cert, name);
  for (const auto& [nid, value] :
       {std::pair(NID_basic_constraints, "critical,CA:TRUE"), std::pair(NID_subject_alt_name, "IP:127.0.0.1")}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(cert, key, EVP_sha256());
  FILE* file = std::fopen(cert_file.c_str(), "w");
  PEM_write_X509(file, cert);
  std::fclose(file);
  file = std::fopen(key_file.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(cert);
  EVP_PKEY_free(key);
}

class TlsTest : public StreamTest {
 protected:
  TlsTest() {
    options_.tls_cert_file = folder_ / "cert.pem";
    options_.tls_key_file = folder_ / "key.pem";
    MakeCertificate(options_.tls_cert_file, options_.tls_key_file);
  }
  [[nodiscard]] std::string Secure(std::string_view path) const { return "https" + Url(path).substr(4); }
  TempFolder folder_;
};

TEST_F(TlsTest, ServesBodiesBothWays) {
  std::atomic<bool> tls = false;
  handler_.begin = [&](const RequestHead& head) {
    tls = head.tls;
    return Simple([](std::string body) { return Text(200, body); }, 64U << 20U);
  };
  Start();
  Client client;
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{3U << 20U}}) {
    const std::string body(size, 'q');
    const auto response =
        client.Send({.method = "POST", .url = Secure("/"), .body = body, .ca_file = options_.tls_cert_file});
    ASSERT_TRUE(response.has_value()) << response.error().message;
    EXPECT_EQ(response->body, body);
  }
  EXPECT_TRUE(tls);
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(TlsTest, StreamsEvents) {
  Start();
  std::jthread feeder([&] {
    EXPECT_TRUE(feed_->started->Wait());
    feed_->Add("one");
    feed_->Add("two");
    feed_->End();
  });
  std::string seen;
  Client client;
  const auto response = client.Send({.url = Secure("/"), .ca_file = options_.tls_cert_file, .on_data = [&](auto piece) {
                                       seen += piece;
                                       return true;
                                     }});
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(seen, "onetwo");
}

TEST_F(TlsTest, AnUntrustedCertificateIsNoConnection) {
  Start();
  Client client;
  EXPECT_EQ(client.Send({.url = Secure("/")}).error().code, base::Code::kUnavailable);
}

TEST_F(TlsTest, PlainTextIsNotServed) {
  Start();
  EXPECT_THAT(Talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ::testing::Not(HasSubstr("200 OK")));
}

TEST_F(TlsTest, AKeyOfAnotherCertificateIsRefused) {
  MakeCertificate(folder_ / "other.pem", folder_ / "other-key.pem");
  options_.tls_key_file = folder_ / "other-key.pem";
  EXPECT_EQ(Server::Listen(options_, handler_).error().code, base::Code::kInvalid);
  options_.tls_cert_file = folder_ / "none.pem";
  EXPECT_EQ(Server::Listen(options_, handler_).error().code, base::Code::kInvalid);
}

// ---- the client ----

TEST_F(StreamTest, TheClientEndsAStreamWhenItHasEnough) {
  feed_->Add("first");
  Start();
  Client client;
  const auto response = client.Send({.url = Url("/"), .timeout = 0ms, .on_data = [](auto) { return false; }});
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 200);
}

}  // namespace
}  // namespace http::test
