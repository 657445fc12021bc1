#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "cli/gather.h"
#include "cli/guess.h"
#include "cli/paths.h"
#include "cli/session.h"
#include "cli/settings.h"
#include "cli/submit.h"
#include "cli/test_support.h"
#include "cli/token.h"

namespace cli {
namespace {

using std::chrono_literals::operator""s;

// ---- files and names ---

TEST(GuessType, GoesByExtensionThenByContent) {
  EXPECT_EQ(GuessType("a/B.JPEG", "").type, "image");
  EXPECT_EQ(GuessType("a.flac", "").type, "audio");
  EXPECT_EQ(GuessType("a.mkv", "").type, "video");
  EXPECT_EQ(GuessType("logs/a.csv", "").type, "telemetry");
  EXPECT_EQ(GuessType("Gameplay/a.ndjson", "").type, "gameplay");
  EXPECT_EQ(GuessType("m.json", "").carriage, Carriage::kJson);
  EXPECT_EQ(GuessType("m.eml", "").type, "message");
  EXPECT_EQ(GuessType("blob", "\x89PNG\r\n\x1a\n").type, "image");
  EXPECT_EQ(GuessType("x.dat", "RIFF....WAVEfmt ").type, "audio");
  EXPECT_EQ(GuessType("dir.csv/blob", "zzz").type, "binary");
  EXPECT_EQ(GuessType(".json", "").type, "binary");
}

TEST(SafeRelativePath, StaysBelowItsFolder) {
  EXPECT_EQ(SafeRelativePath("telemetry/a.csv"), "telemetry/a.csv");
  EXPECT_EQ(SafeRelativePath("../../etc/passwd"), "%2E%2E/%2E%2E/etc/passwd");
  EXPECT_EQ(SafeRelativePath("/etc"), "%/etc");
  EXPECT_EQ(SafeRelativePath("a//b/."), "a/%/b/%2E");
  EXPECT_EQ(SafeRelativePath("_job", "_job"), "%5Fjob");
  EXPECT_EQ(SafeFileName("../x\\y:\x01"), "..%2Fx%5Cy%3A%01");
  EXPECT_LE(SafeFileName(std::string(1000, 'x')).size(), 200U);
}

TEST(SafeRelativePath, NeverClimbsAndNeverMergesNames) {
  rc::check([](const std::string& a, const std::string& b) {
    const std::filesystem::path path = SafeRelativePath(a);
    RC_ASSERT(path.is_relative());
    for (const auto& part : path) RC_ASSERT(part != ".." && part != "." && !part.empty());
    if (a != b) RC_ASSERT(SafeRelativePath(a) != SafeRelativePath(b));
  });
}

TEST(ToonIdOf, MakesAnyPathLegal) {
  EXPECT_EQ(ToonIdOf("./a/b.csv"), "a/b.csv");
  EXPECT_EQ(ToonIdOf("a\n\xFF"), "a%0A%FF");
  const std::string one = ToonIdOf(std::string(300, 'a') + "1");
  EXPECT_EQ(one.size(), 256U);
  EXPECT_NE(one, ToonIdOf(std::string(301, 'a') + "1"));
}

TEST(ResolveBelow, RefusesEscapes) {
  const Folder folder;
  folder.Write("in/a.csv", "x");
  std::filesystem::create_symlink("/etc", folder / "in/link");
  const std::string in = folder / "in";
  EXPECT_NE(ResolveBelow(in, "a.csv"), "");
  EXPECT_NE(ResolveBelow(in, "x/../a.csv"), "");
  EXPECT_EQ(ResolveBelow(in, "../in2/a.csv"), "");
  EXPECT_EQ(ResolveBelow(in, "x/../../b"), "");
  EXPECT_EQ(ResolveBelow(in, "/etc/passwd"), "");
  EXPECT_EQ(ResolveBelow(in, "link/passwd"), "");
  EXPECT_EQ(ResolveBelow(in, ""), "");
}

TEST(FindFiles, ListsFoldersInOrderWithUniqueIds) {
  const Folder folder;
  folder.Write("s/b.csv", "1");
  folder.Write("s/a/z.csv", "2");
  folder.Write("t/b.csv", "3");
  const auto files = FindFiles({folder / "s", folder / "t/b.csv"});
  ASSERT_TRUE(files) << files.error().detail;
  ASSERT_EQ(files->size(), 3U);
  EXPECT_EQ((*files)[0].toon_id, "a/z.csv");
  EXPECT_NE((*files)[1].toon_id, (*files)[2].toon_id);
}

TEST(FindFiles, NamesThePathOfWhatItRefuses) {
  const Folder folder;
  const std::string a = folder.Write("a.csv", "1");
  std::filesystem::create_directory(folder / "empty");
  const auto detail = [](const std::vector<std::string>& paths) { return FindFiles(paths).error().detail; };
  EXPECT_THAT(detail({folder / "nothing"}), ::testing::HasSubstr("nothing"));
  EXPECT_THAT(detail({a, folder / "./a.csv"}), ::testing::HasSubstr("named twice"));
  EXPECT_THAT(detail({folder / "empty"}), ::testing::HasSubstr("has no files"));
  EXPECT_EQ(FindFiles({a, a}).error().exit, Exit::kUsage);
}

TEST(Spool, StaysInlineWhileSmallAndSpillsWhole) {
  const Folder folder;
  Spool small(folder.path());
  ASSERT_TRUE(small.Add("{\"a\":1}", "a"));
  ASSERT_TRUE(small.Add("{\"b\":2}", "b"));
  EXPECT_EQ(small.InlineToons(), "{\"a\":1},{\"b\":2}");
  Spool large(folder.path());
  const std::string line = "{\"t\":\"" + std::string(1000, 'x') + "\"}";
  std::string all;
  for (int i = 0; i < 4000; ++i) {
    ASSERT_TRUE(large.Add(line, "x"));
    all += line + "\n";
  }
  ASSERT_TRUE(large.large());
  const auto path = large.Seal();
  ASSERT_TRUE(path);
  EXPECT_EQ(ReadSmallFile(*path, all.size()).value(), all);
  EXPECT_EQ(large.Digest(), base::Sha256Of(all));
  EXPECT_EQ(large.bytes(), all.size());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// ---- flags ---

TEST(ParseOperation, ReadsParametersAsJsonWhereTheyAre) {
  const auto operation = ParseOperation("image:thumbnail:width=256,crop=true,mode=fit,z=\"7\"");
  ASSERT_TRUE(operation);
  EXPECT_EQ(operation->type, "image");
  EXPECT_EQ(J(operation->json), J(R"({"op":"thumbnail","width":256,"crop":true,"mode":"fit","z":"7"})"));
  EXPECT_EQ(J(ParseOperation("message:validate:{\"schema\":{\"a\":1}}")->json),
            J(R"({"op":"validate","schema":{"a":1}})"));
  for (const char* bad : {"image", ":x", "image:", "image:x:y", "image:x:=1", "image:x:{"}) {
    EXPECT_FALSE(ParseOperation(bad)) << bad;
  }
}

TEST(ParseTolerance, TakesAPercentageOrACount) {
  EXPECT_EQ(ParseTolerance("5%").value(), R"({"failedPercent":5})");
  EXPECT_EQ(ParseTolerance("0.5%").value(), R"({"failedPercent":0.5})");
  EXPECT_EQ(ParseTolerance("3").value(), R"({"failedCount":3})");
  for (const char* bad : {"", "%", "-1", "101%", "nan%", "3x", "1.5"}) EXPECT_FALSE(ParseTolerance(bad)) << bad;
}

TEST(ApplyFlags, AddsToTheDocumentAndReplacesWhatIsSingle) {
  Members envelope = {{"jobId", "\"OLD\""},
                      {"operations", R"({"message":[{"op":"a"}]})"},
                      {"metadata", R"({"keep":1.0,"k":"old"})"},
                      {"unknown", "1e2"}};
  const SubmitOptions options{.job_id = "NEW",
                              .operations = {"message:b", "binary:c"},
                              .reducers = {"timeline"},
                              .priority = -3,
                              .tolerance = "5%",
                              .metadata = {"k=v=w"},
                              .reuse = false,
                              .per_toon = true};
  ASSERT_TRUE(ApplyFlags(options, envelope));
  EXPECT_EQ(RenderEnvelope(envelope, "\"toons\":[]"),
            R"({"jobId":"NEW","operations":{"message":[{"op":"a"},{"op":"b"}],"binary":[{"op":"c"}]},)"
            R"("metadata":{"keep":1.0,"k":"v=w"},"unknown":1e2,"reducers":["timeline"],"priority":-3,)"
            R"("chunking":"per-toon","reuse":false,"tolerance":{"failedPercent":5},"toons":[]})");
}

TEST(ParseTtl, TakesPlainTimes) {
  EXPECT_EQ(ParseTtl("90s").value(), 90s);
  EXPECT_EQ(ParseTtl("1h30m").value(), 5400s);
  for (const char* bad : {"", "1", "h", "0s", "1y", "366d", "-1h", "1h x"}) EXPECT_FALSE(ParseTtl(bad)) << bad;
}

TEST(ParseRetryAfter, TakesSecondsAndDates) {
  const base::TimePoint now = base::ParseTime("2026-11-23T09:00:00Z").value();
  EXPECT_EQ(ParseRetryAfter("7", now), 7s);
  EXPECT_EQ(ParseRetryAfter("Mon, 23 Nov 2026 09:00:30 GMT", now), 30s);
  EXPECT_EQ(ParseRetryAfter("Mon, 23 Nov 2026 08:00:00 GMT", now), 0s);
  EXPECT_EQ(ParseRetryAfter("soon", now), std::nullopt);
  EXPECT_EQ(ParseRetryAfter("", now), std::nullopt);
}

TEST(ResolveSettings, PutsFlagsOverEnvironmentOverFile) {
  const Folder folder;
  folder.Write("ubertoons/client.toml", "url = \"http://file/\"\ntoken_file = \"secret\"\n");
  folder.Write("ubertoons/secret", "from-file\n");
  std::map<std::string, std::string> variables = {{"XDG_CONFIG_HOME", folder.path()}};
  auto settings = ResolveSettings({}, variables);
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_EQ(settings->url, "http://file");
  EXPECT_EQ(settings->token, "from-file");
  variables["UBERTOONS_URL"] = "https://env/prod/";
  settings = ResolveSettings({.token = "flag"}, variables);
  EXPECT_EQ(settings->url, "https://env/prod");
  EXPECT_EQ(settings->token, "flag");
  EXPECT_EQ(ResolveSettings({.url = "http://flag"}, variables)->url, "http://flag");
  EXPECT_EQ(ResolveSettings({}, {})->url, kDefaultUrl);
}

TEST(ResolveSettings, RefusesWhatItDoesNotUnderstand) {
  const Folder folder;
  folder.Write("ubertoons/client.toml", "url = \"http://x\"\ntocken = \"typo\"\n");
  EXPECT_THAT(ResolveSettings({}, {{"XDG_CONFIG_HOME", folder.path()}}).error().detail, ::testing::HasSubstr("tocken"));
  EXPECT_FALSE(ResolveSettings({.url = "ftp://x"}, {}));
  EXPECT_FALSE(ResolveSettings({.url = "http://x", .token = "a\r\nHost: y"}, {}));
  EXPECT_EQ(OriginOf("https://h:1/prod?x"), "https://h:1");
}

}  // namespace
}  // namespace cli
