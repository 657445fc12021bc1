#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/blob_urls.h"
#include "api/testing/world.h"

namespace api {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Hex(std::string_view bytes) {
  return base::ToHex(base::Sha256Of(bytes));
}

Reply AskFor(World& world, std::string_view bytes) {
  return world.Post("/prod/uploads", fmt::format(R"({{"bytes":{},"sha256":"{}","contentType":"text/plain"}})",
                                                 bytes.size(), Hex(bytes)));
}
// The promised URL without the scheme and host.
std::string Target(const Reply& promise) {
  const std::string url = At(promise.body, "/url");
  return url.substr(std::string("http://toons.test:8080").size());
}

TEST(Uploads, BytesArePromisedPutAndNamedByAToon) {
  World world;
  const Reply promise = AskFor(world, "hello");
  ASSERT_EQ(promise.status, 200) << promise.body;
  EXPECT_EQ(At(promise.body, "/uri"), "upload://" + Hex("hello"));
  EXPECT_EQ(At(promise.body, "/method"), "PUT");
  EXPECT_EQ(At(promise.body, "/headers/Content-Length"), "5");
  EXPECT_EQ(At(promise.body, "/expiresAt"), "2026-01-01T01:00:00.000Z");
  EXPECT_THAT(At(promise.body, "/url"), StartsWith("http://toons.test:8080/prod/blobs/uploads/" + Hex("hello") + "?"));

  const std::string toon =
      fmt::format(R"({{"toons":[{{"toonId":"t","type":"binary","uri":"upload://{}"}}]}})", Hex("hello"));
  EXPECT_EQ(At(world.Post("/submit-job", toon).body, "/errors/0/pointer"), "/toons/0/uri");
  // No token: the URL is the permission.
  const Reply put = world.Send({.method = "PUT",
                                .target = Target(promise),
                                .headers = {{"x-ubertoons-sha256", Hex("hello")}},
                                .body = "hello",
                                .token = ""});
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(At(put.body, "/uri"), "upload://" + Hex("hello"));
  EXPECT_EQ(world.Post("/submit-job", toon).status, 202);
  // Another tenant names the same bytes in vain.
  const Reply stolen = world.Send({.method = "POST", .target = "/submit-job", .body = toon, .token = "bob:operator"});
  EXPECT_EQ(At(stolen.body, "/errors/0/pointer"), "/toons/0/uri");
}

TEST(Uploads, TheUrlTakesExactlyThePromisedBytes) {
  World world;
  const std::string target = Target(AskFor(world, "hello"));
  const auto put = [&](std::string body, http::Headers headers = {}) {
    return world.Send(
        {.method = "PUT", .target = target, .headers = std::move(headers), .body = std::move(body), .token = ""});
  };
  EXPECT_EQ(At(put("hell").body, "/reason"), "length-mismatch");
  EXPECT_EQ(At(put("hello!").body, "/reason"), "length-mismatch");
  EXPECT_EQ(put("").status, 400);
  EXPECT_EQ(At(put("HELLO").body, "/reason"), "checksum-mismatch");
  EXPECT_EQ(At(put("hello", {{"x-ubertoons-sha256", Hex("other")}}).body, "/reason"), "checksum-mismatch");
  EXPECT_EQ(world.blobs.size(), 0U);
}

TEST(Uploads, AnotherLengthIsRefusedBeforeAByteIsStored) {
  World world;
  const std::string target = Target(AskFor(world, "hello"));
  world.blobs.write_fault.FailNext(1);
  EXPECT_EQ(world.Send({.method = "PUT", .target = target, .body = "hell", .token = ""}).status, 400);
  // The fault is still there: the refused bytes never reached the store.
  EXPECT_EQ(world.Send({.method = "PUT", .target = target, .body = "hello", .token = ""}).status, 503);
}

TEST(Uploads, ATamperedOrExpiredUrlIsForbidden) {
  World world;
  const std::string target = Target(AskFor(world, "hello"));
  const auto status = [&](std::string method, std::string changed) {
    return world.Send({.method = std::move(method), .target = std::move(changed), .body = "hello", .token = ""}).status;
  };
  std::string other_path = target;
  other_path.replace(other_path.find(Hex("hello")), 64, Hex("world"));
  EXPECT_EQ(status("PUT", other_path), 403);
  std::string other_tenant = target;
  other_tenant.replace(other_tenant.find("tenant=ana"), 10, "tenant=bob");
  EXPECT_EQ(status("PUT", other_tenant), 403);
  EXPECT_EQ(status("PUT", target.substr(0, target.find('?'))), 403);
  EXPECT_EQ(status("PUT", target + "0"), 403);
  world.clock.Advance(std::chrono::hours(2));
  EXPECT_EQ(status("PUT", target), 403);
}

TEST(Uploads, ABadPromiseNamesEveryPlace) {
  World world;
  const Reply reply = world.Post("/uploads", R"({"bytes":-1,"sha256":"zz","contentType":"a b","more":1})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(At(reply.body, "/errors/0/pointer"), "/bytes");
  EXPECT_EQ(At(reply.body, "/errors/1/pointer"), "/sha256");
  EXPECT_EQ(At(reply.body, "/errors/2/pointer"), "/contentType");
  EXPECT_EQ(At(reply.body, "/errors/3/pointer"), "/more");
  EXPECT_EQ(At(world.Post("/uploads", "{}").body, "/errors/0/pointer"), "/bytes");
  EXPECT_EQ(world.Post("/uploads", "[]").status, 400);
  const Reply huge = world.Post("/uploads", fmt::format(R"({{"bytes":99999999999999,"sha256":"{}"}})", Hex("x")));
  EXPECT_EQ(huge.status, 413);
}

TEST(Content, AProcessorReadsAndStoresByUrl) {
  World world;
  const job::TenantId tenant("ana");
  const std::string secret(32, 's');
  const base::TimePoint soon = world.clock.Now() + std::chrono::minutes(1);
  world.blobs.Plant(ports::ContentKey(tenant, base::Sha256Of("source")), "source");
  const std::string read = ContentReadPath(tenant, base::Sha256Of("source"), soon, secret);
  EXPECT_EQ(world.Get(read, "").body, "source");
  EXPECT_EQ(world.Get("/prod" + read, "").body, "source");
  const std::string foreign = ContentReadPath(job::TenantId("bob"), base::Sha256Of("source"), soon, secret);
  EXPECT_EQ(world.Get(foreign, "").status, 404);

  const std::string store = ContentStorePath(tenant, 6, soon, secret);
  const Reply stored = world.Send({.method = "PUT", .target = store, .body = "answer", .token = ""});
  EXPECT_EQ(stored.body, fmt::format(R"({{"sha256":"{}","bytes":6}})", Hex("answer")));
  EXPECT_TRUE(world.blobs.Size(ports::ContentKey(tenant, base::Sha256Of("answer"))).value());
  EXPECT_EQ(world.Send({.method = "PUT", .target = store, .body = "answers", .token = ""}).status, 413);
  // A reading URL does not write.
  EXPECT_EQ(world.Send({.method = "PUT", .target = read, .body = "x", .token = ""}).status, 405);
}

TEST(Artifacts, AreServedWithTheirTypeAndWithoutDanger) {
  World world;
  world.SubmitJob("J", 2);
  world.Succeed("J", 0, "a,b\n1,2\n", "text/csv");
  world.Succeed("J", 1, "<svg/>", "image/svg+xml");
  const std::string csv = "/artifacts/" + Hex("a,b\n1,2\n");
  const Reply reply = world.Get(csv);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "a,b\n1,2\n");
  EXPECT_TRUE(reply.file);
  EXPECT_EQ(reply.header("Content-Type"), "text/csv");
  EXPECT_EQ(reply.header("Content-Disposition"), "inline; filename=\"clean__1_.csv\"");
  EXPECT_EQ(reply.header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(reply.header("ETag"), "\"" + Hex("a,b\n1,2\n") + "\"");
  EXPECT_THAT(world.Get("/artifacts/" + Hex("<svg/>")).header("Content-Disposition"), StartsWith("attachment"));
  EXPECT_EQ(world.Get("/artifacts/" + Hex("none")).status, 404);
  EXPECT_EQ(world.Get("/artifacts/nonsense").status, 404);
  EXPECT_EQ(world.Send({.target = csv, .headers = {{"If-None-Match", reply.header("ETag")}}}).status, 304);
}

TEST(Artifacts, OneRangeIsServed) {
  World world;
  world.SubmitJob("J");
  world.Succeed("J", 0, "0123456789");
  const auto get = [&](std::string range) {
    return world.Send({.target = "/artifacts/" + Hex("0123456789"), .headers = {{"Range", std::move(range)}}});
  };
  EXPECT_EQ(get("bytes=2-4").body, "234");
  EXPECT_EQ(get("bytes=2-4").status, 206);
  EXPECT_EQ(get("bytes=2-4").header("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(get("bytes=8-").body, "89");
  EXPECT_EQ(get("bytes=8-99").body, "89");
  EXPECT_EQ(get("bytes=-3").body, "789");
  EXPECT_EQ(get("bytes=-99").body, "0123456789");
  EXPECT_EQ(get("bytes=10-").status, 416);
  EXPECT_EQ(get("bytes=10-").header("Content-Range"), "bytes */10");
  for (const char* ignored : {"bytes=1-2,4-5", "lines=1-2", "bytes=x-", "bytes=5-2", "bytes=-"}) {
    EXPECT_EQ(get(ignored).status, 200) << ignored;
  }
}

}  // namespace
}  // namespace api
