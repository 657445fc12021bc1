#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <csignal>

#include "cli/failure.h"
#include "cli/headline.h"
#include "cli/json_read.h"
#include "cli/progress.h"
#include "cli/sse.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/test_support.h"

namespace cli {
namespace {

// ---- terminal ---

TEST(Printable, EscapesWhatWouldSteerATerminal) {
  EXPECT_EQ(Printable("a\x1b[31mb\r\n\t\x7f"), "a\\x1b[31mb\\r\\n\\t\\x7f");
  EXPECT_EQ(Printable("\xC2\x9B"
                      "2J"),
            "\\u009b2J");  // C1 CSI
  EXPECT_EQ(Printable("\xE2\x80\xAE"
                      "gpj"),
            "\\u202egpj");                                  // right-to-left override
  EXPECT_EQ(Printable("\xFF\xC0\xAF"), "\\xff\\xc0\\xaf");  // not UTF-8, and an overlong slash
  EXPECT_EQ(Printable("café 東京 🐭"), "café 東京 🐭");
}

TEST(Printable, NeverLeavesAControlByteWhateverItIsGiven) {
  rc::check([](const std::string& text) {
    for (const char c : Printable(text)) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  });
}

TEST(PrintableJson, MeansTheSame) {
  const std::string text = "{\"a\":\"x\xC2\x9Bz\xE2\x80\xAE\x7F\"}";
  const std::string safe = PrintableJson(text);
  EXPECT_EQ(safe, R"({"a":"x\u009bz\u202e\u007f"})");
  EXPECT_EQ(J(safe), J(text));
}

TEST(Fit, CutsAndFillsByColumnsNotBytes) {
  EXPECT_EQ(Fit("東京", 5), "東京 ");
  EXPECT_EQ(Fit("東京都", 5), "東京…");
  EXPECT_EQ(Fit("ab", 4, Align::kRight), "  ab");
  EXPECT_EQ(Cut("abc", 0), "");
  EXPECT_EQ(DisplayWidth("e\xCC\x81"), 1U);
}

TEST(Human, NumbersReadWell) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
  EXPECT_EQ(HumanBytes(312), "312 B");
  EXPECT_EQ(HumanBytes(1536), "1.5 KiB");
  EXPECT_EQ(HumanBytes(1048575), "1.0 MiB");
  EXPECT_EQ(HumanMillis(0.42), "0.4 ms");
  EXPECT_EQ(HumanMillis(1500), "1.50 s");
  EXPECT_EQ(HumanMillis(65'000), "1m 5s");
  EXPECT_EQ(HumanMillis(-1), "?");
}

TEST(Stream, ThatIsNoTerminalHasNoColours) {
  EXPECT_EQ(Capture([](Stream& out) { out.Write(out.Paint("x", Colour::kRed)); }), "x");
}

TEST(Stream, RemembersAClosedPipeQuietly) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Descriptor writer(ends[1]);
  {
    const Descriptor reader(ends[0]);
  }
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  Stream stream(writer.get(), {});
  stream.Write("x");
  stream.Flush();
  EXPECT_TRUE(stream.closed());
  EXPECT_EQ(stream.error(), 0);
  std::signal(SIGPIPE, before);
}

// ---- JSON as it stands ---

TEST(RawMembers, KeepTheSpellingOfValues) {
  const auto members = RawMembers(R"( {"a" : 1.0, "b":{"x":"}"} ,"a\"b":[1,[2]] , "a":"\\" } )");
  ASSERT_TRUE(members);
  ASSERT_EQ(members->size(), 4U);
  EXPECT_EQ((*members)[0].value, "1.0");
  EXPECT_EQ((*members)[1].value, R"({"x":"}"})");
  EXPECT_EQ((*members)[2].key, "a\"b");
  EXPECT_EQ((*members)[2].value, "[1,[2]]");
  EXPECT_EQ((*members)[3].value, R"("\\")");
  EXPECT_EQ(RawMembers("{}")->size(), 0U);
}

TEST(RawMembers, RefuseBrokenOutlines) {
  for (const char* text :
       {"", "[]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1}x", "{\"a\":\"", "{\"a\":[1}", "{a:1}"}) {
    EXPECT_FALSE(RawMembers(text)) << text;
  }
}

TEST(RawElements, NeverReadPastTheTextWhateverItIs) {
  rc::check([] {
    const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("[]{},:\"\\ 1a")));
    const auto elements = RawElements(text);
    if (elements) {
      for (const auto element : *elements) RC_ASSERT(!element.empty() && text.find(element) != std::string::npos);
    }
  });
}

TEST(JsonFault, SaysWhere) {
  EXPECT_FALSE(JsonFault("{\"a\":[1,2]}"));
  EXPECT_THAT(JsonFault("{\n  \"a\": 1,\n  oops\n}").value(), ::testing::HasSubstr("line 3"));
  EXPECT_TRUE(JsonFault(std::string(100, '[') + std::string(100, ']')));
  EXPECT_TRUE(JsonFault("{} {}"));
}

// ---- events and progress ---

TEST(SseParser, ReadsEventsInPiecesOfAnySize) {
  const std::string stream =
      "\xEF\xBB\xBF: hello\nid: 7\nevent: progress\ndata: {\"a\":\ndata: 1}\n\nretry: 900\r\ndata:x\r\n\r\ndata: "
      "y\r\rdata: cut";
  for (std::size_t size = 1; size < stream.size(); ++size) {
    std::vector<Event> events;
    SseParser parser([&](const Event& event) { events.push_back(event); });
    for (std::size_t at = 0; at < stream.size(); at += size) ASSERT_TRUE(parser.Write(stream.substr(at, size)));
    ASSERT_EQ(events.size(), 3U) << size;
    EXPECT_EQ(events[0].type, "progress");
    EXPECT_EQ(events[0].data, "{\"a\":\n1}");
    EXPECT_EQ(events[0].last_id, "7");
    EXPECT_EQ(events[1].data, "x");
    EXPECT_EQ(events[1].type, "message");
    EXPECT_EQ(events[2].data, "y");
    EXPECT_EQ(parser.last_id(), "7");
    EXPECT_EQ(parser.retry(), std::chrono::milliseconds(900));
  }
}

TEST(SseParser, StopsAtAnEventWithoutEnd) {
  SseParser parser([](const Event&) {});
  const std::string piece(1U << 20U, 'x');
  int pieces = 0;
  while (pieces < 100 && parser.Write(piece)) ++pieces;
  EXPECT_LT(pieces, 100);
}

TEST(SseParser, ForgetsHalfAnEventButNotItsIdWhenRestarted) {
  std::vector<Event> events;
  SseParser parser([&](const Event& event) { events.push_back(event); });
  ASSERT_TRUE(parser.Write("id: 3\ndata: a\n\ndata: half"));
  parser.Restart();
  ASSERT_TRUE(parser.Write("data: b\n\n"));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].data, "b");
  EXPECT_EQ(parser.last_id(), "3");
}

Snapshot Half() {
  return *SnapshotOf(
      J(R"({"jobId":"J","status":"Processing","toonCount":34,"processed":17,"succeeded":16,"failed":1})"));
}

TEST(RenderBar, FitsItsLine) {
  EXPECT_EQ(RenderBar(Half(), 8.5, 72, Glyphs::kAscii),
            "J #########----------  50%  17/34  8.5/s  ETA 2 s  16 succeeded 1 failed");
  for (std::size_t columns = 1; columns < 200; ++columns) {
    EXPECT_LE(DisplayWidth(RenderBar(Half(), 8.5, columns, Glyphs::kBlocks)), columns);
  }
  Snapshot unknown = Half();
  unknown.toon_count.reset();
  EXPECT_THAT(RenderBar(unknown, std::nullopt, 80, Glyphs::kAscii), ::testing::HasSubstr("17/?"));
}

TEST(RenderEnd, SaysHowItEnded) {
  const auto job = SnapshotOf(J(
      R"({"jobId":"J\u001b[2J","status":"Failed","reason":"over-tolerance","toonCount":2,"processed":2,"succeeded":1,"failed":1,
          "submittedAt":"2026-11-23T09:00:00.000Z","completedAt":"2026-11-23T09:00:01.200Z"})"));
  ASSERT_TRUE(job);
  EXPECT_EQ(RenderEnd(*job), "J\\x1b[2J Failed (over-tolerance): 2 toons, 1 succeeded, 1 failed in 1.20 s");
}

TEST(RateMeter, LooksAtTheLastWhileOnly) {
  RateMeter meter;
  base::SteadyPoint now{};
  meter.Add(now, 0);
  EXPECT_EQ(meter.PerSecond(), std::nullopt);
  for (int i = 1; i <= 10; ++i) meter.Add(now + std::chrono::seconds(i), static_cast<std::uint64_t>(i) * 100);
  EXPECT_DOUBLE_EQ(meter.PerSecond().value(), 100.0);
  for (int i = 11; i <= 40; ++i) meter.Add(now + std::chrono::seconds(i), 1000);
  EXPECT_DOUBLE_EQ(meter.PerSecond().value(), 0.0);
  meter.Add(now + std::chrono::seconds(41), 5);  // a retry counts from its beginning
  EXPECT_EQ(meter.PerSecond(), std::nullopt);
}

TEST(ProgressView, WritesPlainLinesToAPipe) {
  const base::SystemClock clock;
  const std::string text = Capture([&](Stream& out) {
    ProgressView view(out, clock, Glyphs::kBlocks);
    Snapshot job = Half();
    view.Show(job);
    view.Show(job);  // nothing new
    job.status = "Completed";
    view.Show(job);
    view.Clear();
  });
  EXPECT_EQ(text, "J Processing 17/34, 16 succeeded, 1 failed\nJ Completed 17/34, 16 succeeded, 1 failed\n");
}

// ---- results ---

TEST(Headline, SaysWhatMattersOfEachType) {
  EXPECT_EQ(Headline(J(R"({"type":"telemetry","result":{"rows":1200,"gaps":[1,2,3],"anomalies":{"count":5}}})")),
            "1,200 rows, 3 gaps, 5 anomalies");
  EXPECT_EQ(Headline(J(R"({"type":"telemetry","result":{"rows":{"total":1},"gaps":1,"anomalies":1}})")),
            "1 row, 1 gap, 1 anomaly");
  EXPECT_EQ(Headline(J(R"({"type":"message","result":{"format":"json","bytes":312}})")), "json, 312 B");
  EXPECT_EQ(Headline(J(R"({"type":"binary","result":{"mime":"application/zip","entropy":7.91}})")),
            "application/zip, entropy 7.9");
  EXPECT_EQ(Headline(J(R"({"type":"image","result":{"format":"gif","width":320,"height":200,"frames":12,)"
                       R"("dominantColour":"#102030"}})")),
            "gif, 320 x 200, 12 frames, #102030");
  EXPECT_EQ(Headline(J(R"({"type":"image","result":{"format":"jpeg","width":1,"height":2,"frames":1}})")),
            "jpeg, 1 x 2");
  EXPECT_EQ(Headline(J(R"({"type":"video","result":{"container":"mp4","durationMs":5016,"audio":{"codec":"aac",)"
                       R"("loudness":{"integratedLufs":-23.04}},"video":{"codec":"h264","width":320,"height":240,)"
                       R"("sceneCount":1}}})")),
            "mp4, 5.0 s, h264, 320 x 240, 1 scene, aac, -23.0 LUFS");
  EXPECT_EQ(Headline(J(R"({"type":"audio","result":{"container":"wav","durationMs":900,"audio":{"codec":"pcm_s16le",)"
                       R"("loudness":{"integratedLufs":null}}}})")),
            "wav, 0.9 s, pcm_s16le");
  EXPECT_EQ(Headline(J(R"({"type":"words","result":{"score":0.5,"top":"narf","n":[1],"x":-2,"ok":true}})")),
            "score 0.5, top narf, x -2, ok yes");
  EXPECT_EQ(Headline(J(R"({"type":"message","error":{"code":"invalid-json","message":"line 1"}})")),
            "invalid-json: line 1");
  EXPECT_EQ(Headline(J(R"({"type":"message","state":"Pending"})")), "");
  EXPECT_EQ(Headline(J("[]")), "");
}

TEST(Table, EscapesCellsAndAligns) {
  const std::string text = Capture([](Stream& out) {
    Table table(out, {{"A"}, {"N", Align::kRight}, {"REST"}});
    table.WritePage({{{"x\x1b"}, {"10"}, {"r"}}, {{"long name"}, {"7"}, {""}}});
    table.WritePage({{{"longer than the first page"}, {"1"}, {"z"}}});
  });
  EXPECT_EQ(text,
            "A           N  REST\n"
            "x\\x1b      10  r\n"
            "long name   7\n"
            "longer than the first page   1  z\n");
}

TEST(CsvLine, QuotesByRfc4180) {
  EXPECT_EQ(CsvLine({"a", "b,c", "say \"hi\"", "two\nlines", " pad", ""}),
            "a,\"b,c\",\"say \"\"hi\"\"\",\"two\nlines\",\" pad\",");
}

TEST(Failure, ShowsAProblemWithItsPlaces) {
  const Failure failure =
      FromAnswer(400, R"({"type":"t","title":"Bad","status":400,"detail":"two places","traceId":"abc",
      "errors":[{"pointer":"/toons/0/type","detail":"unknown\u001b"},{"pointer":"","detail":"no"}]})");
  EXPECT_EQ(failure.exit, Exit::kRefused);
  EXPECT_EQ(Capture([&](Stream& err) { PrintFailure(err, failure, Format::kText); }),
            "ubertoons: Bad\n  two places\n  /toons/0/type: unknown\\x1b\n  (document): no\n  trace id abc\n");
  const std::string raw = Capture([&](Stream& err) { PrintFailure(err, failure, Format::kJson); });
  EXPECT_EQ(TextAt(J(raw), "traceId"), "abc");
}

TEST(Failure, MapsStatusesToExitCodes) {
  EXPECT_EQ(FromAnswer(404, "").exit, Exit::kRefused);
  EXPECT_EQ(FromAnswer(429, "").exit, Exit::kThrottled);
  EXPECT_EQ(FromAnswer(503, "<html>").exit, Exit::kUnreachable);
  EXPECT_EQ(FromAnswer(501, "").exit, Exit::kRefused);
}

}  // namespace
}  // namespace cli
