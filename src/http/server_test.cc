#include "http/server.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "base/descriptors.h"
#include "http/admission.h"
#include "http/descriptors.h"
#include "http/test_support.h"

namespace http::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kLastGet = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

TEST_F(ServerTest, AnswersAGetAndKeepsTheConnection) {
  Start();
  RawClient client = Connect();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Send("GET /a%20b?x=1 HTTP/1.1\r\nHost: a\r\n\r\n"));
    const std::string response = client.ReadResponse();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\nServer: ubertoons\r\nDate: "));
    EXPECT_THAT(response, EndsWith("\r\n\r\nGET /a b "));
    EXPECT_THAT(response, Not(HasSubstr("Connection:")));
  }
}

TEST_F(ServerTest, TellsTheHandlerWhatWasAsked) {
  RequestHead seen;
  handler_.begin = [&](const RequestHead& head) {
    seen = head;
    return Simple([](std::string) { return Text(200, ""); });
  };
  Start();
  EXPECT_THAT(Talk("POST /p%2fq?a=%20 HTTP/1.1\r\nHost: h\r\nX-One:  two \r\nConnection: close\r\n"
                   "Content-Length: 2\r\n\r\nhi"),
              StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/p/q");
  EXPECT_EQ(seen.query, "a=%20");
  EXPECT_EQ(seen.target, "/p%2fq?a=%20");
  EXPECT_EQ(seen.header("x-ONE"), "two");
  EXPECT_EQ(seen.content_length, 2U);
  EXPECT_EQ(seen.peer, "127.0.0.1");
  EXPECT_FALSE(seen.tls);
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  Start();
  EXPECT_THAT(Talk("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                   "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n2\r\nyz\r\n0\r\n\r\n"
                   "\r\nGET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
              ::testing::ContainsRegex("GET /1 HTTP/1.1 200(.|\n)*POST /2 abcHTTP/1.1 200(.|\n)*"
                                       "POST /3 xyzHTTP/1.1 200(.|\n)*GET /4 $"));
}

TEST_F(ServerTest, AHeadRequestIsAGetWithoutTheBody) {
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("Content-Length: 7\r\n"));
  ASSERT_TRUE(client.Send(kLastGet));
  EXPECT_THAT(client.ReadToEnd(), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(ServerTest, Http10ClosesUnlessAskedOtherwise) {
  Start();
  EXPECT_THAT(Talk("GET / HTTP/1.0\r\n\r\n"), HasSubstr("Connection: close"));
  RawClient client = Connect();
  ASSERT_TRUE(client.Send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_THAT(client.ReadResponse(), HasSubstr("Connection: keep-alive\r\n"));
  ASSERT_TRUE(client.Send("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_THAT(client.ReadToEnd(), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, ResponseHeadersCannotBreakTheHead) {
  handler_.begin = [](const RequestHead&) {
    return Simple([](std::string) {
      Response response = Text(200, "b");
      response.headers = {{"X-A", "1\r\nX-Evil: 2"}, {"bad name", "x"}, {"Content-Length", "99"}, {"", "y"}};
      return response;
    });
  };
  Start();
  const std::string response = Talk(kLastGet);
  EXPECT_THAT(response, HasSubstr("X-A: 1  X-Evil: 2\r\n"));
  EXPECT_THAT(response, Not(HasSubstr("bad name")));
  EXPECT_THAT(response, Not(HasSubstr("99")));
  EXPECT_THAT(response, HasSubstr("Content-Length: 1\r\n"));
}

TEST_F(ServerTest, StatusesWithoutABodyHaveNone) {
  handler_.begin = [](const RequestHead&) { return Simple([](std::string) { return Text(204, "no"); }); };
  Start();
  const std::string response = Talk(kLastGet);
  EXPECT_THAT(response, EndsWith("\r\n\r\n"));
  EXPECT_THAT(response, Not(HasSubstr("Content-Length")));
}

TEST_F(ServerTest, AHandlerThatThrowsIsA500) {
  handler_.begin = [](const RequestHead&) -> Handler::Plan { throw std::runtime_error("boom"); };
  Start();
  EXPECT_THAT(Talk(kLastGet), StartsWith("HTTP/1.1 500"));
}

TEST_F(ServerTest, AHandlerThatDropsItsAnswerIsA500) {
  handler_.begin = [](const RequestHead&) { return PlanOf({.finish = [](Respond) {}}); };
  Start();
  EXPECT_THAT(Talk(kLastGet), StartsWith("HTTP/1.1 500"));
}

TEST_F(ServerTest, ATooLargeHeadIsRefusedBeforeItsEnd) {
  options_.max_header_bytes = 1024;
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(1100, 'x')));
  EXPECT_THAT(client.ReadToEnd(), StartsWith("HTTP/1.1 431"));
}

TEST_F(ServerTest, ATooLongTargetIsToldApart) {
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send("GET /" + std::string(20'000, 'x')));
  EXPECT_THAT(client.ReadToEnd(), StartsWith("HTTP/1.1 414"));
}

TEST_F(ServerTest, ASlowHeadIsCutOffAtItsTimeOut) {
  options_.header_timeout = 1s;
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send("GET / HT"));
  EXPECT_THAT(client.ReadToEnd(), StartsWith("HTTP/1.1 408"));
}

TEST_F(ServerTest, AnIdleConnectionIsClosedSilently) {
  options_.idle_timeout = 1s;
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(kGet));
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_TRUE(AwaitConnections(0));
}

TEST_F(ServerTest, PastTheMaximumTheLongestIdleMakesRoom) {
  options_.max_connections = 2;
  Start();
  RawClient silent = Connect();
  ASSERT_TRUE(AwaitConnections(1));
  RawClient idle = Connect();
  ASSERT_TRUE(idle.Send(kGet));
  ASSERT_THAT(idle.ReadResponse(), StartsWith("HTTP/1.1 200"));
  RawClient third = Connect();
  ASSERT_TRUE(third.Send(kGet));
  EXPECT_THAT(third.ReadResponse(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(silent.ReadToEnd(), "");
  ASSERT_TRUE(idle.Send(kLastGet));
  EXPECT_THAT(idle.ReadToEnd(), StartsWith("HTTP/1.1 200"));
}

// One connection is the maximum, and `busy` has it while its request waits for `later`.
class FullTest : public ServerTest {
 protected:
  void SetUp() override {
    options_.max_connections = 1;
    handler_.begin = [this](const RequestHead&) {
      return PlanOf({.finish = [this](Respond respond) {
        later = std::move(respond);
        asked.Set();
      }});
    };
    Start();
    busy.emplace(Connect());
    ASSERT_TRUE(busy->Send(kLastGet));
    ASSERT_TRUE(asked.Wait());
  }
  Respond later;
  Event asked;
  std::optional<RawClient> busy;
};

TEST_F(FullTest, WithNoneIdleTheNewOneIsToldSo) {
  RawClient second = Connect();
  (void)second.Send(kGet);
  const std::string answer = second.ReadToEnd();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer, EndsWith("too-many-connections"));
  second.Close();
  handler_.begin = ScriptedHandler().begin;
  later(Text(200, "served"));
  EXPECT_THAT(busy->ReadToEnd(), EndsWith("served"));
  busy->Close();
  ASSERT_TRUE(AwaitConnections(0));
  EXPECT_THAT(Talk(kLastGet), StartsWith("HTTP/1.1 200"));
}

TEST_F(FullTest, FarPastTheMaximumConnectionsAreJustClosed) {
  std::vector<RawClient> others;
  for (int i = 0; i < 200; ++i) others.push_back(Connect());
  std::size_t told = 0;
  for (auto& client : others) told += client.ReadToEnd().starts_with("HTTP/1.1 503") ? 1 : 0;
  EXPECT_GE(told, 1U);
  others.clear();
  EXPECT_TRUE(AwaitConnections(1));
}

TEST_F(ServerTest, OneAddressHasItsShareOfConnections) {
  options_.max_connections_per_address = 1;
  Start();
  RawClient first = Connect();
  ASSERT_TRUE(AwaitConnections(1));
  RawClient second = Connect();
  EXPECT_THAT(second.ReadToEnd(), StartsWith("HTTP/1.1 503"));
  second.Close();
  first.Close();
  ASSERT_TRUE(AwaitConnections(0));
  EXPECT_THAT(Talk(kLastGet), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, TwoThousandIdleConnectionsDisturbNobody) {
  (void)base::RaiseDescriptorLimit();
  Start();
  std::vector<RawClient> idle;
  for (int i = 0; i < 2000; ++i) {
    idle.push_back(Connect());
    ASSERT_TRUE(idle.back().connected()) << i;
  }
  ASSERT_TRUE(AwaitConnections(2000));
  EXPECT_THAT(Talk(kLastGet), StartsWith("HTTP/1.1 200"));
  ASSERT_TRUE(idle[1234].Send(kLastGet));
  EXPECT_THAT(idle[1234].ReadToEnd(), StartsWith("HTTP/1.1 200"));
  idle.clear();
  EXPECT_TRUE(AwaitConnections(0));
}

TEST_F(ServerTest, ALongPollIsAnsweredLaterFromAnotherThread) {
  Respond later;
  Event asked;
  handler_.begin = [&](const RequestHead&) {
    return PlanOf({.finish = [&](Respond respond) {
      later = std::move(respond);
      asked.Set();
    }});
  };
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(kGet));
  ASSERT_TRUE(asked.Wait());
  ASSERT_TRUE(client.Send(kLastGet));  // pipelined while the first one waits
  std::jthread([&] { later(Text(200, "late")); }).join();
  EXPECT_THAT(client.ReadResponse(), EndsWith("late"));
  handler_.begin = {};
}

TEST_F(ServerTest, ALongPollWhoseClientLeftIsAbandoned) {
  Respond later;
  Event asked;
  Event abandoned;
  handler_.begin = [&](const RequestHead&) {
    return PlanOf({.finish =
                       [&](Respond respond) {
                         later = std::move(respond);
                         asked.Set();
                       },
                   .abandoned = [&] { abandoned.Set(); }});
  };
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(kGet));
  ASSERT_TRUE(asked.Wait());
  client.Close();
  EXPECT_TRUE(abandoned.Wait());
  EXPECT_TRUE(AwaitConnections(0));
  later(Text(200, "to nobody"));
}

TEST_F(ServerTest, AnAnswerMayComeAfterTheServerIsGone) {
  Respond later;
  Event asked;
  handler_.begin = [&](const RequestHead&) {
    return PlanOf({.finish = [&](Respond respond) {
      later = std::move(respond);
      asked.Set();
    }});
  };
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(kGet));
  ASSERT_TRUE(asked.Wait());
  server_.reset();
  EXPECT_EQ(client.ReadToEnd(), "");
  later(Text(200, "to nobody"));
}

TEST_F(ServerTest, DrainLetsARunningRequestEndAndRefusesOthers) {
  Event asked;
  Event go;
  handler_.begin = [&](const RequestHead&) {
    return PlanOf({.finish = [&](Respond respond) {
      asked.Set();
      EXPECT_TRUE(go.Wait());
      respond(Text(200, "done"));
    }});
  };
  Start();
  RawClient idle = Connect();
  RawClient busy = Connect();
  ASSERT_TRUE(AwaitConnections(2));
  ASSERT_TRUE(busy.Send(kGet));
  ASSERT_TRUE(asked.Wait());
  std::jthread drainer([&] { server_->Drain(20s); });
  EXPECT_EQ(idle.ReadToEnd(), "");  // closed while the other one is still served
  EXPECT_FALSE(Connect().connected());
  go.Set();
  const std::string response = busy.ReadToEnd();
  EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(response, EndsWith("done"));
  busy.Close();
  drainer.join();
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(ServerTest, DrainCutsWhatOutlastsItsGrace) {
  Event asked;
  Event abandoned;
  Respond later;
  handler_.begin = [&](const RequestHead&) {
    return PlanOf({.finish =
                       [&](Respond respond) {
                         later = std::move(respond);
                         asked.Set();
                       },
                   .abandoned = [&] { abandoned.Set(); }});
  };
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(kGet));
  ASSERT_TRUE(asked.Wait());
  server_->Drain(50ms);
  EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_TRUE(abandoned.Wait());
}

TEST_F(ServerTest, SeveralIoThreadsServeAlike) {
  options_.io_threads = 3;
  Start();
  std::vector<RawClient> clients;
  for (int i = 0; i < 30; ++i) clients.push_back(Connect());
  for (auto& client : clients) ASSERT_TRUE(client.Send(kLastGet));
  for (auto& client : clients) EXPECT_THAT(client.ReadToEnd(), StartsWith("HTTP/1.1 200"));
}

TEST(Descriptors, AreSharedOut) {
  ServerOptions plenty;
  FitDescriptors(1'000'000, 1000, plenty);
  EXPECT_EQ(plenty.max_connections, ServerOptions{}.max_connections);
  EXPECT_EQ(plenty.max_transfer_bytes, ServerOptions{}.max_transfer_bytes);
  ServerOptions few;
  FitDescriptors(1024, 100, few);
  const std::size_t transfers = few.max_transfer_bytes / kMinTransferBytes;
  EXPECT_GT(transfers, 50U);
  EXPECT_GT(few.max_connections, transfers);
  // The store's 256 files and as many others, what the caller told of, and those that are told that it is full.
  EXPECT_LE(few.max_connections + transfers + 512 + 100 + 64, 1024U);
  ServerOptions hardly;
  FitDescriptors(100, 1000, hardly);
  EXPECT_GT(hardly.max_connections, 10U);
}

TEST(Budget, GivesWhatItHasAndTakesItBack) {
  Budget budget(10);
  {
    const auto seven = budget.Take(7);
    EXPECT_TRUE(seven.has_value());
    EXPECT_FALSE(budget.Take(4).has_value());
    EXPECT_TRUE(budget.Take(3).has_value());
    EXPECT_EQ(budget.left(), 3U);
  }
  EXPECT_TRUE(budget.Take(10).has_value());
}

TEST(Listen, RefusesWhatItCannotBind) {
  ScriptedHandler handler;
  auto first = Server::Listen({}, handler);
  ASSERT_TRUE(first.has_value());
  ServerOptions same;
  same.port = (*first)->port();
  EXPECT_EQ(Server::Listen(same, handler).error().code, base::Code::kUnavailable);
  ServerOptions name;
  name.address = "not-an-address";
  EXPECT_EQ(Server::Listen(name, handler).error().code, base::Code::kInvalid);
}

TEST(Listen, TakesIpv6Literals) {
  ScriptedHandler handler;
  for (const char* address : {"::1", "[::1]"}) {
    ServerOptions options;
    options.address = address;
    auto server = Server::Listen(options, handler);
    if (!server && server.error().code == base::Code::kUnavailable) GTEST_SKIP() << "no IPv6 here";
    ASSERT_TRUE(server.has_value()) << server.error().message;
    EXPECT_NE((*server)->port(), 0);
  }
}

}  // namespace
}  // namespace http::test
