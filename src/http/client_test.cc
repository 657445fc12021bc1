#include "http/client.h"

#include <fstream>

#include "http/test_support.h"

namespace http::test {
namespace {

TEST_F(ServerTest, TheClientReusesItsConnectionAndReadsAnyStatus) {
  handler_.begin = [](const RequestHead& head) {
    return Simple([head](std::string body) {
      Response response = Text(418, head.method + std::string(head.header("x-a")) + body);
      response.headers.emplace_back("X-Back", "yes");
      return response;
    });
  };
  Start();
  Client client;
  for (int i = 0; i < 3; ++i) {
    const auto response = client.Send({.method = "PATCH", .url = Url("/"), .headers = {{"X-A", "1"}}, .body = "b"});
    ASSERT_TRUE(response.has_value()) << response.error().message;
    EXPECT_EQ(response->status, 418);
    EXPECT_EQ(response->body, "PATCH1b");
    EXPECT_EQ(response->header("x-back"), "yes");
  }
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(ServerTest, TheClientSendsAFileAsItIs) {
  const TempFolder folder;
  const std::string content(3U << 20U, 'f');
  std::ofstream(folder / "file") << content;
  handler_.begin = [](const RequestHead& head) {
    return Simple(
        [head](std::string body) {
          return Text(200, std::to_string(*head.content_length) + head.method + std::string(head.header("expect")) +
                               body.substr(0, 1));
        },
        8U << 20U);
  };
  Start();
  Client client;
  const auto response = client.Send({.method = "PUT", .url = Url("/"), .body_file = folder / "file"});
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->body, "3145728PUTf");
  EXPECT_EQ(client.Send({.method = "PUT", .url = Url("/"), .body_file = folder / "none"}).error().code,
            base::Code::kUnavailable);
}

TEST_F(ServerTest, TheClientNamesWhatWentWrong) {
  Respond later;
  handler_.begin = [&](const RequestHead& head) {
    if (head.path == "/large") return Simple([](std::string) { return Text(200, std::string(100'000, 'x')); });
    return PlanOf({.finish = [&](Respond respond) { later = std::move(respond); }});
  };
  Start();
  Client client;
  EXPECT_EQ(client.Send({.url = Url("/large"), .max_response_bytes = 1000}).error().code, base::Code::kTooLarge);
  EXPECT_EQ(client.Send({.url = Url("/never"), .timeout = 200ms}).error().code, base::Code::kTimeout);
  EXPECT_EQ(client.Send({.url = "file:///etc/passwd"}).error().code, base::Code::kInvalid);
  EXPECT_EQ(client.Send({.url = "http://"}).error().code, base::Code::kInvalid);
  EXPECT_EQ(client.Send({.url = Url("/"), .headers = {{"A", "b\r\nC: d"}}}).error().code, base::Code::kInvalid);
  const std::string url = Url("/");
  server_.reset();
  EXPECT_EQ(client.Send({.url = url}).error().code, base::Code::kUnavailable);
}

}  // namespace
}  // namespace http::test
