// What slow clients may take: the least rate of bodies, and the budget of transfers.
#include <gmock/gmock.h>

#include <thread>

#include "http/test_support.h"

namespace http::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The speed of a line or of a handler, which these tests are about: nothing is waited for.
void Pace(int milliseconds) {
  ::poll(nullptr, 0, milliseconds);
}

std::string Post(std::uint64_t length, std::string_view more = "") {
  return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n" + std::string(more) +
         "\r\n";
}

TEST_F(ServerTest, ABodyUnderTheLeastRateIsCutOff) {
  options_.body_timeout = 1s;
  options_.min_body_rate = 1'000'000;  // more than this client ever sends
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Post(1'000'000)));
  // Each send is progress; were that enough, this would go on for a minute.
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  std::jthread sender([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && std::chrono::steady_clock::now() < give_up && client.Send("x")) {
      Pace(10);
    }
  });
  const std::string answer = client.ReadUntil("body-timeout");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 "));
  EXPECT_LT(std::chrono::steady_clock::now(), give_up);
}

TEST_F(ServerTest, AReaderUnderTheLeastRateIsCutOff) {
  options_.body_timeout = 1s;
  options_.min_body_rate = 100'000'000;
  handler_.begin = [&](const RequestHead&) {
    return Simple([](std::string) { return Text(200, std::string(64U << 20U, 'z')); });
  };
  Start();
  RawClient client = Connect(256 * 1024);
  ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  std::size_t read = 0;
  while (!client.ReadBytes(65'536).empty()) {
    read += 65'536;
    Pace(5);
  }
  EXPECT_GT(read, 0U);
  EXPECT_LT(read, 60U << 20U);
}

class SlowReader : public ServerTest {
 protected:
  static constexpr std::size_t kAnswerBytes = 2U << 20U;

  // How much of the answer a client gets that reads 16 KB a second for three time-outs, and then as fast as it can.
  std::size_t Read(std::uint64_t least_rate) {
    options_.body_timeout = 1s;
    options_.min_body_rate = least_rate;
    handler_.begin = [](const RequestHead&) {
      return Simple([](std::string) { return Text(200, std::string(kAnswerBytes, 'z')); });
    };
    Start();
    RawClient client = Connect(4096);
    EXPECT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    std::size_t read = client.ReadUntil("\r\n\r\n").empty() ? kAnswerBytes : 0;
    for (int i = 0; i < 50 && client.ReadBytes(1000).size() == 1000; ++i) {
      read += 1000;
      Pace(60);
    }
    return read + client.ReadToEnd().size();
  }
};

// The socket takes nothing more before 64 KiB have left it, four seconds later. What arrives counts meanwhile.
TEST_F(SlowReader, OverTheLeastRateIsServedThoughTheSocketStaysFull) {
  EXPECT_EQ(Read(4000), kAnswerBytes);
}

TEST_F(SlowReader, UnderTheLeastRateIsCutOff) {
  EXPECT_LT(Read(64'000), kAnswerBytes);
}

TEST_F(ServerTest, AHandlersTimeIsNotTheClients) {
  options_.body_timeout = 1s;
  options_.min_body_rate = 1'000'000;
  options_.body_piece_bytes = 1000;
  handler_.begin = [&](const RequestHead&) {
    return PlanOf({.write = [](std::string_view) {
      Pace(600);  // three of them take longer than the client may
      return base::Status();
    }});
  };
  Start();
  RawClient client = Connect();
  ASSERT_TRUE(client.Send(Post(3000)));
  ASSERT_TRUE(client.Send(std::string(3000, 'x')));
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, TransfersOverTheBudgetAreRefusedAndSmallRequestsAreNot) {
  options_.max_transfer_bytes = kMinTransferBytes;
  handler_.begin = [](const RequestHead& head) {
    return Simple([large = head.path == "/large"](std::string) {
      return Text(200, std::string(large ? kMinTransferBytes : 10, 'z'));
    });
  };
  Start();
  RawClient upload = Connect();
  ASSERT_TRUE(upload.Send(Post(3, "Expect: 100-continue\r\n")));
  ASSERT_THAT(upload.ReadUntil("\r\n\r\n"), HasSubstr("100 Continue"));  // it holds the budget now
  EXPECT_THAT(Talk(Post(3, "Expect: 100-continue\r\n")), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(Talk("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(Talk("GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  ASSERT_TRUE(upload.Send("abc"));
  EXPECT_THAT(upload.ReadResponse(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Talk("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, ADocumentThatIsThereOnceTakesNothingOfTheBudget) {
  static const std::string document(kMinTransferBytes, 'z');
  options_.max_transfer_bytes = kMinTransferBytes;
  handler_.begin = [](const RequestHead&) {
    return Simple([](std::string) { return Response{.status = 200, .headers = {}, .body = StaticBody{document}}; });
  };
  Start();
  RawClient upload = Connect();
  ASSERT_TRUE(upload.Send(Post(3, "Expect: 100-continue\r\n")));
  ASSERT_THAT(upload.ReadUntil("\r\n\r\n"), HasSubstr("100 Continue"));  // it holds the budget now
  const std::string answer = Talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, ::testing::EndsWith("\r\n\r\n" + document));
}

}  // namespace
}  // namespace http::test
