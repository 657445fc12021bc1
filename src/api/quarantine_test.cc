// GET /quarantine and DELETE /quarantine/{sha256}.
#include <gtest/gtest.h>

#include <algorithm>

#include "api/testing/world.h"

namespace api {
namespace {

std::string HexOf(std::string_view bytes) {
  return base::ToHex(base::Sha256Of(bytes));
}

struct QuarantineApi : testing::Test {
  void SetUp() override { world.SubmitJob("J", 9); }
  Reply Release(const std::string& sha256, std::string token = "ana:operator") {
    return world.Send({.method = "DELETE", .target = "/prod/quarantine/" + sha256, .token = std::move(token)});
  }
  World world;
};

TEST_F(QuarantineApi, BytesAreListedWithWhatTheyDid) {
  EXPECT_EQ(world.Get("/quarantine").body, R"({"items":[]})");
  world.Kill("J", 3);
  const Reply listed = world.Get("/prod/quarantine");
  EXPECT_EQ(listed.status, 200);
  EXPECT_EQ(listed.body, R"({"items":[{"type":"image","sha256":")" + HexOf("bomb") +
                             R"(","code":"memory-limit","message":"it wanted 9 GB","jobId":"J","toonId":"t3",)"
                             R"("quarantinedAt":")" +
                             base::FormatTime(world.clock.Now()) + R"("}]})");
}

TEST_F(QuarantineApi, PagesAreTheWhole) {
  std::vector<std::string> expected;
  for (job::Position i = 0; i < 5; ++i) {
    world.Kill("J", i, std::to_string(i));
    expected.push_back(HexOf(std::to_string(i)));
  }
  std::ranges::sort(expected);
  std::vector<std::string> listed;
  std::string target = "/quarantine?limit=2";
  for (int page = 0; page < 3; ++page) {
    const Reply reply = world.Get(target);
    for (int i = 0; At(reply.body, fmt::format("/items/{}", i)) != "<none>"; ++i) {
      EXPECT_LT(i, 2);
      listed.push_back(At(reply.body, fmt::format("/items/{}/sha256", i)));
    }
    target = "/quarantine?limit=2&after=" + At(reply.body, "/next");
  }
  EXPECT_EQ(listed, expected);
  EXPECT_TRUE(target.ends_with("<none>")) << "the last page names no next one";
}

TEST_F(QuarantineApi, BadParametersAreNamed) {
  const std::string hex(64, 'a');
  for (const std::string& bad : {std::string("x"), hex, hex + ".", hex + ".A", hex.substr(1) + ".image"}) {
    const Reply reply = world.Get("/quarantine?after=" + bad);
    EXPECT_EQ(reply.status, 400) << bad;
    EXPECT_EQ(At(reply.body, "/errors/0/pointer"), "/after");
  }
  EXPECT_EQ(At(world.Get("/quarantine?limit=0").body, "/errors/0/pointer"), "/limit");
  EXPECT_EQ(At(world.Get("/quarantine?limit=1001").body, "/errors/0/pointer"), "/limit");
  EXPECT_EQ(At(world.Get("/quarantine?pageSize=1").body, "/errors/0/pointer"), "/pageSize");
  EXPECT_EQ(world.Get("/quarantine?after=" + hex + ".image").status, 200);
}

TEST_F(QuarantineApi, ReleasedBytesAreGoneAndReleasingAgainIs404) {
  world.Kill("J", 0);
  world.Kill("J", 1, "other");
  const Reply released = Release(HexOf("bomb"));
  EXPECT_EQ(released.status, 204);
  EXPECT_EQ(released.body, "");
  EXPECT_NE(released.header("traceparent"), "");
  EXPECT_EQ(At(world.Get("/quarantine").body, "/items/0/sha256"), HexOf("other"));
  EXPECT_EQ(At(world.Get("/quarantine").body, "/items/1"), "<none>");
  EXPECT_EQ(Release(HexOf("bomb")).status, 404);
}

TEST_F(QuarantineApi, AHashThatIsNoneIsABadRequest) {
  for (const std::string& bad : {std::string("bomb"), std::string(63, 'a'), std::string(64, 'g')}) {
    const Reply reply = Release(bad);
    EXPECT_EQ(reply.status, 400) << bad;
    EXPECT_EQ(At(reply.body, "/errors/0/pointer"), "/sha256");
  }
}

TEST_F(QuarantineApi, OnlyTheTenantSeesItsOwnAndAViewerReleasesNothing) {
  world.Kill("J", 0);
  EXPECT_EQ(world.Get("/quarantine", "eva:admin").body, R"({"items":[]})");
  EXPECT_EQ(Release(HexOf("bomb"), "eva:admin").status, 404);
  EXPECT_EQ(Release(HexOf("bomb"), "ana:viewer").status, 403);
  EXPECT_EQ(Release(HexOf("bomb"), "").status, 401);
  EXPECT_EQ(world.Get("/quarantine", "ana:none").status, 403);
  EXPECT_EQ(At(world.Get("/quarantine").body, "/items/0/sha256"), HexOf("bomb"));
}

TEST_F(QuarantineApi, AStoreThatIsAwayIsWorthARetry) {
  world.Kill("J", 0);
  world.store.read_fault.FailNext(1);
  EXPECT_EQ(world.Get("/quarantine").status, 503);
  world.store.commit_fault.FailNext(1);
  EXPECT_EQ(Release(HexOf("bomb")).status, 503);
  EXPECT_EQ(Release(HexOf("bomb")).status, 204);
}

}  // namespace
}  // namespace api
