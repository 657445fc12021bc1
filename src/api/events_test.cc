#include "api/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/testing/world.h"

namespace api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Reads a stream as a connection does: polls, and waits to be woken.
class Watcher {
 public:
  explicit Watcher(std::shared_ptr<http::BodyStream> stream) : stream_(std::move(stream)), bell_(new Bell) {
    stream_->OnReady([bell = bell_] { bell->Ring(); });
  }
  // All bytes until one of them contains `wanted`, or the stream's end; empty at the deadline.
  std::string ReadUntil(std::string_view wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    std::string all;
    while (true) {
      if (auto bytes = stream_->Poll(ended_)) all += *bytes;
      if (ended_ || all.contains(wanted)) return all;
      if (!bell_->Wait(deadline)) return "";
    }
  }
  std::string ReadAll() { return ReadUntil("\r\n"); }
  bool ended() const { return ended_; }
  std::optional<std::string> Poll() { return stream_->Poll(ended_); }

 private:
  struct Bell {
    void Ring() {
      const std::lock_guard lock(mutex);
      rung = true;
      changed.notify_all();
    }
    bool Wait(std::chrono::steady_clock::time_point deadline) {
      std::unique_lock lock(mutex);
      const bool woken = changed.wait_until(lock, deadline, [&] { return rung; });
      rung = false;
      return woken;
    }
    std::mutex mutex;
    std::condition_variable changed;
    bool rung = false;
  };
  std::shared_ptr<http::BodyStream> stream_;
  std::shared_ptr<Bell> bell_;
  bool ended_ = false;
};

Reply Watch(World& world, std::string last = "") {
  http::Headers headers;
  if (!last.empty()) headers.emplace_back("Last-Event-ID", std::move(last));
  return world.Send({.target = "/jobs/J/events", .headers = std::move(headers), .token = "ana:viewer"});
}
std::string LastId(const std::string& bytes) {
  const std::size_t at = bytes.rfind("id: ");
  return at == std::string::npos ? "" : bytes.substr(at + 4, bytes.find('\n', at) - at - 4);
}

TEST(Events, AWatcherSeesProgressAndTheEnd) {
  World world;
  world.SubmitJob("J", 2);
  const Reply reply = Watch(world);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("Content-Type"), "text/event-stream");
  Watcher watcher(reply.stream);
  EXPECT_THAT(watcher.ReadUntil("event: progress"), HasSubstr(R"("processed":0)"));
  world.Succeed("J", 0);
  const std::string first = watcher.ReadUntil(R"("processed":1)");
  EXPECT_THAT(first, HasSubstr(R"("aggregates":{"summary":)"));
  world.Succeed("J", 1);
  world.End("J");
  const std::string rest = watcher.ReadAll();
  EXPECT_TRUE(watcher.ended());
  EXPECT_THAT(rest, HasSubstr(R"("status":"Completed","toonCount":2)"));
  EXPECT_THAT(rest, HasSubstr("event: end\ndata: {\"jobId\":\"J\",\"status\":\"Completed\"}\n\n"));
  EXPECT_FALSE(watcher.Poll());
}

TEST(Events, ALateWatcherGetsTheEndAtOnce) {
  World world;
  world.SubmitJob("J");
  world.Succeed("J", 0);
  world.End("J");
  Watcher watcher(Watch(world).stream);
  const std::string all = watcher.ReadAll();
  EXPECT_THAT(all, HasSubstr("event: progress"));
  EXPECT_THAT(all, HasSubstr("event: end"));
}

TEST(Events, ResumingSendsTheDocumentOnlyIfSomethingChanged) {
  World world;
  world.SubmitJob("J", 2);
  std::string id;
  {
    Watcher watcher(Watch(world).stream);
    id = LastId(watcher.ReadUntil("event: progress"));
  }
  Watcher same(Watch(world, id).stream);
  Watcher other(Watch(world, "9.9.9.9").stream);
  EXPECT_THAT(other.ReadUntil("event: progress"), HasSubstr(id));
  // The snapshot that `other` was given is what `same` has seen already.
  EXPECT_FALSE(same.Poll());
  world.Succeed("J", 0);
  const std::string next = same.ReadUntil("event: progress");
  EXPECT_THAT(next, HasSubstr(R"("processed":1)"));
  EXPECT_NE(LastId(next), id);
}

TEST(Events, ResumingAfterTheLastDocumentSendsOnlyTheEndAndAfterTheEndNothing) {
  World world;
  world.SubmitJob("J");
  world.Succeed("J", 0);
  world.End("J");
  Watcher first(Watch(world).stream);
  const std::string end_id = LastId(first.ReadAll());
  const std::string id = end_id.substr(0, end_id.size() - 4);
  Watcher second(Watch(world, id).stream);
  const std::string rest = second.ReadAll();
  EXPECT_THAT(rest, Not(HasSubstr("event: progress")));
  EXPECT_THAT(rest, HasSubstr("event: end"));
  EXPECT_EQ(Watch(world, end_id).status, 204);
}

TEST(Events, ManyWatchersShareOneSubscriptionWhichEndsWithTheLast) {
  World world;
  world.SubmitJob("J", 2);
  std::vector<Watcher> watchers;
  for (int i = 0; i < 200; ++i) watchers.emplace_back(Watch(world).stream);
  for (Watcher& watcher : watchers) EXPECT_NE(watcher.ReadUntil("event: progress"), "");
  EXPECT_TRUE(world.feed.WaitForSubscriptions(1));
  world.Succeed("J", 0);
  for (Watcher& watcher : watchers) EXPECT_NE(watcher.ReadUntil(R"("processed":1)"), "");
  watchers.clear();
  EXPECT_TRUE(world.feed.WaitForSubscriptions(0));
}

TEST(Events, AJobThatIsForgottenEndsTheStream) {
  World world;
  world.SubmitJob("J");
  Watcher watcher(Watch(world).stream);
  EXPECT_NE(watcher.ReadUntil("event: progress"), "");
  ASSERT_TRUE(world.store.Delete(World::Key("J"), world.store.Get(World::Key("J")).value()->state.version));
  world.feed.Publish({.spec = {.key = World::Key("J")}});
  EXPECT_THAT(watcher.ReadAll(), HasSubstr(R"({"jobId":"J","status":"Gone"})"));
}

TEST(Events, AStoreThatFailsOnceDelaysAndLosesNothing) {
  World world;
  world.SubmitJob("J");
  Watcher watcher(Watch(world).stream);
  EXPECT_NE(watcher.ReadUntil("event: progress"), "");
  world.Succeed("J", 0);
  world.store.read_fault.FailNext(1);
  EXPECT_NE(watcher.ReadUntil(R"("processed":1)"), "");
}

TEST(Events, AStreamMayOutliveTheApi) {
  std::shared_ptr<http::BodyStream> stream;
  {
    World world;
    world.SubmitJob("J");
    stream = Watch(world).stream;
    Watcher watcher(stream);
    EXPECT_NE(watcher.ReadUntil("event: progress"), "");
  }
  bool end = false;
  EXPECT_FALSE(stream->Poll(end));
}

TEST(Events, LineBreaksInMetadataDoNotBreakTheEvent) {
  World world;
  world.Post(
      "/submit-job",
      "{\"jobId\":\"J\",\"metadata\":{\n\"a\":\r\n1},\"toons\":[{\"toonId\":\"t\",\"type\":\"message\",\"json\":1}]}");
  Watcher watcher(Watch(world).stream);
  const std::string event = watcher.ReadUntil("\n\n");
  EXPECT_EQ(std::ranges::count(event, '\n'), 4);
  EXPECT_THAT(event, Not(HasSubstr("\r")));
}

}  // namespace
}  // namespace api
