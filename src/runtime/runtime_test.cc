#include "runtime/runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <mutex>

#include "http/server.h"
#include "runtime/answer_recorder.h"
#include "wire/chunk_codec.h"

namespace runtime {
namespace {

using ::testing::HasSubstr;

// Gives out events under /secret, then 500 (the worker is to go); keeps what is posted.
class FakeApi final : public http::Handler {
 public:
  struct Post {
    std::string path;
    std::string type;
    std::string error_type;
    std::string body;
  };
  explicit FakeApi(std::deque<std::string> events) : events_(std::move(events)) {
    auto server = http::Server::Listen({}, *this);
    EXPECT_TRUE(server);
    server_ = std::move(*server);
    server_->Start();
  }
  ~FakeApi() override { server_.reset(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()) + "/secret"; }
  std::vector<Post> posts() {
    const std::lock_guard lock(mutex_);
    return posts_;
  }
  int answer_status = 202;

  Plan Begin(const http::RequestHead& head) override {
    auto call =
        std::make_unique<http::SimpleCall>([this, head](std::string body) { return Answer(head, std::move(body)); },
                                           [](const base::Error&) { return Status(400); });
    return {.call = std::move(call), .refuse = std::nullopt};
  }
  http::Response Malformed(const base::Error&) override { return Status(400); }

 private:
  static http::Response Status(int status) { return {.status = status, .headers = {}, .body = std::string("{}")}; }
  http::Response Answer(const http::RequestHead& head, std::string body) {
    const std::lock_guard lock(mutex_);
    const std::string_view prefix = "/secret/2018-06-01/runtime";
    if (!head.path.starts_with(prefix)) return Status(403);
    const std::string path = head.path.substr(prefix.size());
    if (head.method == "POST") {
      posts_.push_back({path, std::string(head.header("Content-Type")),
                        std::string(head.header("Lambda-Runtime-Function-Error-Type")), std::move(body)});
      return Status(answer_status);
    }
    if (path != "/invocation/next" || events_.empty()) return Status(500);
    http::Response response{.status = 200,
                            .headers = {{"Lambda-Runtime-Aws-Request-Id", "id-" + std::to_string(++given_)},
                                        {"Lambda-Runtime-Deadline-Ms", "1700000000123"},
                                        {"traceparent", "00-a-b-01"}},
                            .body = events_.front()};
    events_.pop_front();
    return response;
  }

  std::mutex mutex_;
  std::deque<std::string> events_;
  std::vector<Post> posts_;
  int given_ = 0;
  std::unique_ptr<http::Server> server_;
};

TEST(RuntimeTest, EveryInvocationIsHandledAndAnswered) {
  FakeApi api({"one", "two"});
  std::vector<InvocationContext> contexts;
  const auto ran = runtime::Run(api.address(), [&](std::string_view event, const InvocationContext& context) {
    contexts.push_back(context);
    return HandlerAnswer{.body = "answer to " + std::string(event), .content_type = "text/plain"};
  });
  EXPECT_TRUE(ran) << ran.error().message;
  const auto posts = api.posts();
  ASSERT_EQ(posts.size(), 2U);
  EXPECT_EQ(posts[0].path, "/invocation/id-1/response");
  EXPECT_EQ(posts[0].type, "text/plain");
  EXPECT_EQ(posts[1].body, "answer to two");
  EXPECT_EQ(contexts[1].request_id, "id-2");
  EXPECT_EQ(contexts[0].traceparent, "00-a-b-01");
  EXPECT_EQ(base::UnixMicros(contexts[0].deadline), 1'700'000'000'123'000);
}

TEST(RuntimeTest, AnErrorIsReportedAndTheLoopGoesOn) {
  FakeApi api({"bad", "good"});
  const auto ran =
      runtime::Run(api.address(), [](std::string_view event, const InvocationContext&) -> base::Result<HandlerAnswer> {
        if (event == "bad") return base::Fail(base::Code::kCorrupt, "it \"broke\"");
        return HandlerAnswer{.body = "{}"};
      });
  EXPECT_TRUE(ran);
  const auto posts = api.posts();
  ASSERT_EQ(posts.size(), 2U);
  EXPECT_EQ(posts[0].path, "/invocation/id-1/error");
  EXPECT_EQ(posts[0].error_type, "Corrupt");
  EXPECT_THAT(posts[0].body, HasSubstr(R"("errorMessage":"it \"broke\"")"));
  EXPECT_EQ(posts[1].path, "/invocation/id-2/response");
}

TEST(RuntimeTest, ARefusedAnswerEndsNothing) {
  FakeApi api({"one", "two"});
  api.answer_status = 400;
  int handled = 0;
  EXPECT_TRUE(runtime::Run(api.address(), [&](std::string_view, const InvocationContext&) {
    ++handled;
    return HandlerAnswer{.body = "{}"};
  }));
  EXPECT_EQ(handled, 2);
}

TEST(RuntimeTest, AHandlerMayEndTheProcessAfterItsAnswer) {
  FakeApi api({"one", "two"});
  EXPECT_TRUE(runtime::Run(api.address(), [](std::string_view, const InvocationContext&) {
    return HandlerAnswer{.body = "{}", .after = HandlerAnswer::After::kEnd};
  }));
  ASSERT_EQ(api.posts().size(), 1U);
  EXPECT_EQ(api.posts()[0].path, "/invocation/id-1/response");
}

TEST(RuntimeTest, AnApiThatDoesNotKnowUsEndsTheLoopWithAnError) {
  FakeApi api({"one"});
  const std::string address = api.address();
  const auto ran = runtime::Run(address.substr(0, address.find('/')) + "/guess",
                                [](std::string_view, const InvocationContext&) { return HandlerAnswer{}; });
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, base::Code::kUnavailable);
}

TEST(RuntimeTest, AnInitErrorIsReported) {
  FakeApi api({});
  ReportInitError(api.address(), {.code = base::Code::kInvalid, .message = "no blobs"});
  const auto posts = api.posts();
  ASSERT_EQ(posts.size(), 1U);
  EXPECT_EQ(posts[0].path, "/init/error");
  EXPECT_THAT(posts[0].body, HasSubstr("no blobs"));
}

TEST(AnswerRecorderTest, PassingFailuresAreItemFailuresAndOthersFailTheInvocation) {
  AnswerRecorder recorder;
  std::vector<ports::Recorder::Handled> handled;
  handled.push_back({.message_id = "1", .chunk = {}, .answer = ports::ChunkAnswer{}});
  handled.push_back({.message_id = "2", .chunk = {}, .answer = base::Fail(base::Code::kUnavailable, "disk away")});
  const auto body = recorder.Respond(std::move(handled));
  ASSERT_TRUE(body);
  const auto answers = wire::DecodeAnswers(*body);
  ASSERT_TRUE(answers);
  ASSERT_EQ(answers->size(), 2U);
  EXPECT_FALSE((*answers)[0].failed);
  EXPECT_TRUE((*answers)[1].failed);
  EXPECT_EQ((*answers)[1].failure, "disk away");

  std::vector<ports::Recorder::Handled> corrupt;
  corrupt.push_back({.message_id = "1", .chunk = {}, .answer = base::Fail(base::Code::kCorrupt, "torn")});
  EXPECT_EQ(recorder.Respond(std::move(corrupt)).error().code, base::Code::kCorrupt);
}

}  // namespace
}  // namespace runtime
