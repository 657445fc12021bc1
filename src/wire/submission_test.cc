#include "wire/submission.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "wire/fakes.h"
#include "wire/id_set.h"
#include "wire/value_scanner.h"

namespace wire {
namespace {

struct Collector final : ToonSink {
  std::vector<std::string> lines;
  std::vector<std::string> ids;
  std::string json_text;
  base::Status answer;
  [[nodiscard]] base::Status OnToon(job::Position position, const ToonView& toon, std::string_view line) override {
    EXPECT_EQ(position, lines.size());
    lines.emplace_back(line);
    ids.emplace_back(toon.toon_id);
    json_text = toon.json_text;
    return answer;
  }
};

struct Outcome {
  base::Result<Envelope> envelope;
  Collector sink;
  // pointer -> detail of the error's fields
  [[nodiscard]] std::map<std::string, std::string> fields() const {
    std::map<std::string, std::string> out;
    if (envelope) return out;
    for (const auto& field : envelope.error().fields) out[field.pointer] = field.detail;
    return out;
  }
  [[nodiscard]] std::string pointers() const {
    std::string out;
    for (const auto& [pointer, detail] : fields()) out += (out.empty() ? "" : " ") + pointer;
    return envelope ? "good" : out;
  }
};

Outcome Read(std::string_view body, const FakeRules& fake = {}, std::size_t piece = SIZE_MAX,
             base::Status answer = {}) {
  Outcome out{.envelope = Envelope(), .sink = {}};
  out.sink.answer = std::move(answer);
  SubmissionReader reader(fake.rules(), out.sink);
  while (!body.empty()) {
    const std::size_t size = std::min(piece, body.size());
    // An own copy of each piece, so that a sanitizer sees any look past its end.
    const std::vector<char> bytes(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
    if (auto status = reader.Write({bytes.data(), bytes.size()}); !status) {
      out.envelope = std::unexpected(status.error());
      return out;
    }
    body.remove_prefix(size);
  }
  out.envelope = reader.Finish();
  return out;
}
std::string Pointers(std::string_view body) {
  return Read(body).pointers();
}

constexpr std::string_view kFull = R"( {
  "jobId": "JOB001", "metadata": {"a": 1.50, "b": [ 1 , 2 ]},
  "toons": [
    {"toonId": "t \" 1", "type": "message", "json": {"x": [1, 2.50, "a  b"], "y": "\u00e9\\"}, "metadata": {"m": 1}},
    {"toonId":"t2","type":"message","text":"h\u00e9"} ,
    { "type" : "image" , "toonId" : "t3" , "data" : "AAA=" , "operations" : [ { "op" : "scale" , "by" : 2 } ] }
  ],
  "operations": {"image": [{"op":"scale","by":3}]},
  "reducers": ["timeline"], "tolerance": {"failedPercent": 12.5, "failedCount": 3}, "priority": -100,
  "chunking": "per-toon", "reuse": false, "retentionSeconds": 60
} )";

void ExpectFull(const Outcome& read) {
  ASSERT_TRUE(read.envelope.has_value()) << read.pointers();
  const Envelope& envelope = *read.envelope;
  EXPECT_EQ(envelope.job_id, job::JobId("JOB001"));
  EXPECT_EQ(envelope.metadata_json, R"({"a":1.50,"b":[1,2]})");
  EXPECT_EQ(envelope.operations_json, R"({"image":[{"op":"scale","by":3}]})");
  ASSERT_EQ(envelope.reducers.size(), 1U);
  EXPECT_EQ(envelope.reducers[0], (job::ReducerSpec{"timeline", "{}"}));
  EXPECT_EQ(envelope.tolerance, (job::Tolerance{12.5, 3}));
  EXPECT_EQ(envelope.priority, -100);
  EXPECT_EQ(envelope.chunking, job::Chunking::kPerToon);
  EXPECT_EQ(envelope.reuse, job::ReusePolicy::kNever);
  EXPECT_EQ(envelope.retention, std::chrono::seconds(60));
  EXPECT_TRUE(envelope.has_toons);
  EXPECT_FALSE(envelope.manifest_uri.has_value());
  ASSERT_EQ(read.sink.lines.size(), 3U);
  EXPECT_EQ(read.sink.lines[0], R"({"toonId":"t \" 1","type":"message","json":{"x":[1,2.50,"a  b"],"y":"\u00e9\\"},)"
                                R"("metadata":{"m":1}})"
                                "\n");
  EXPECT_EQ(read.sink.lines[1], R"({"toonId":"t2","type":"message","text":"h\u00e9"})"
                                "\n");
  EXPECT_EQ(read.sink.lines[2], R"({"type":"image","toonId":"t3","data":"AAA=","operations":[{"op":"scale","by":2}]})"
                                "\n");
  EXPECT_EQ(read.sink.ids, (std::vector<std::string>{"t \" 1", "t2", "t3"}));
}

TEST(SubmissionReader, ReadsEveryMemberAndMinifiesToons) {
  ExpectFull(Read(kFull));
}

TEST(SubmissionReader, ReadsPiecesOfAnySize) {
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U, 300U}) ExpectFull(Read(kFull, {}, piece));
}

TEST(SubmissionReader, TakesAReducerWithParameters) {
  const auto read =
      Read(R"({"toons":[{"toonId":"a","type":"message","text":""}],"reducers":[{"step":5,"name":"timeline"}]})");
  ASSERT_TRUE(read.envelope.has_value()) << read.pointers();
  EXPECT_EQ(read.envelope->reducers.at(0), (job::ReducerSpec{"timeline", R"({"step":5})"}));
}

TEST(SubmissionReader, TakesAManifestInsteadOfToons) {
  const std::string uri = "upload://" + std::string(64, 'a');
  const auto read = Read(R"({"manifestUri":")" + uri + "\"}");
  ASSERT_TRUE(read.envelope.has_value()) << read.pointers();
  ASSERT_TRUE(read.envelope->manifest_uri.has_value());
  EXPECT_EQ(FormatUri(*read.envelope->manifest_uri), uri);
  EXPECT_FALSE(read.envelope->has_toons);
  EXPECT_EQ(Pointers(R"({"manifestUri":")" + uri + R"(","toons":[{"toonId":"a","type":"message","text":""}]})"),
            "/manifestUri");
  EXPECT_EQ(Pointers(R"({"manifestUri":"artifact://)" + std::string(64, 'a') + "\"}"), "/manifestUri");
}

TEST(SubmissionReader, NamesEveryBadMember) {
  const std::string body = R"({"toons":[
      {"toonId":"a","type":"message","text":"x"},
      {"toonId":"a","type":"message","text":"x"},
      {"toonId":"","type":"Message","data":"A","extra":1,"metadata":[],"operations":{}},
      {"toonId":"b","type":"unheard","text":"x","json":1},
      {"type":"message"},
      7,
      {"toonId":"c","type":"message","text":"x","k":{"d":1,"d":2}},
      {"toonId":"d","type":"message","uri":"http://x"},
      {"toonId":"e","type":"image","text":"","operations":[{"op":"scale","by":1},{"op":"scale"},{"op":"spin"},{},3]}
    ],
    "jobId":"a b","metadata":[],"operations":{"image":[{"op":"spin"}],"unheard":[],"message":{}},
    "reducers":["nothing","timeline",{"name":"timeline"},{"step":1},4],
    "tolerance":{"failedPercent":100.5,"failedCount":-1,"x":1},
    "priority":101,"chunking":"each","reuse":1,"retentionSeconds":59,"surprise":1,"jobId":"b"})";
  const auto read = Read(body);
  ASSERT_FALSE(read.envelope.has_value());
  EXPECT_EQ(read.envelope.error().code, base::Code::kInvalid);
  const auto fields = read.fields();
  for (const std::string_view pointer : {"/toons/1/toonId",
                                         "/toons/2/toonId",
                                         "/toons/2/type",
                                         "/toons/2/data",
                                         "/toons/2/extra",
                                         "/toons/2/metadata",
                                         "/toons/2/operations",
                                         "/toons/3/type",
                                         "/toons/3",
                                         "/toons/4",
                                         "/toons/4/toonId",
                                         "/toons/5",
                                         "/toons/6/k/d",
                                         "/toons/7/uri",
                                         "/toons/8/operations/1/by",
                                         "/toons/8/operations/2/op",
                                         "/toons/8/operations/3/op",
                                         "/toons/8/operations/4",
                                         "/jobId",
                                         "/metadata",
                                         "/operations/image/0/op",
                                         "/operations/unheard",
                                         "/operations/message",
                                         "/reducers/0",
                                         "/reducers/2/name",
                                         "/reducers/3/name",
                                         "/reducers/4",
                                         "/tolerance/failedPercent",
                                         "/tolerance/failedCount",
                                         "/tolerance/x",
                                         "/priority",
                                         "/chunking",
                                         "/reuse",
                                         "/retentionSeconds",
                                         "/surprise"}) {
    EXPECT_TRUE(fields.contains(std::string(pointer))) << pointer;
  }
  EXPECT_EQ(fields.size(), 35U) << read.pointers();
  EXPECT_EQ(read.sink.lines.size(), 1U) << "nothing is handed on after the first bad toon";
}

TEST(SubmissionReader, RefusesWhatIsNotOneWholeObject) {
  for (const std::string_view bad : {"",
                                     "  ",
                                     "[]",
                                     "{",
                                     "{}x",
                                     "{} {}",
                                     "{\"toons\":[",
                                     "{\"toons\":[]",
                                     "{,}",
                                     "{\"toons\":[,]}",
                                     "{\"toons\":[1,]}",
                                     "{\"toons\" []}",
                                     "{\"jobId\":}",
                                     "{\"jobId\":\"a\",}",
                                     "{toons:[]}",
                                     "{\"jobId\":1 2}",
                                     "\"a\"",
                                     "{\"jobId\":\"a\"",
                                     "{\"jobId\":\"a}",
                                     "{\"\\ud800\":1}"}) {
    const auto read = Read(bad);
    ASSERT_FALSE(read.envelope.has_value()) << bad;
    EXPECT_EQ(read.envelope.error().code, base::Code::kInvalid) << bad;
    EXPECT_FALSE(read.envelope.error().fields.empty()) << bad;
  }
  EXPECT_EQ(Pointers("{}"), "/toons");
  EXPECT_EQ(Pointers(R"({"toons":[]})"), "/toons");
  EXPECT_EQ(Pointers(R"({"toons":{}})"), "/toons");
  EXPECT_EQ(Pointers(R"({"toons":[{"toonId":"a","type":"message","json":1 2}]})"), "/toons/0");
  EXPECT_EQ(Pointers(R"({"toons":[{"toonId":"a","type":"message","json":tr ue}]})"), "/toons/0");
}

TEST(SubmissionReader, RefusesRepeatedMembersEvenWhenEscaped) {
  const std::string toons = R"("toons":[{"toonId":"a","type":"message","text":""}])";
  EXPECT_EQ(Pointers("{" + toons + R"(,"to\u006fns":[]})"), "/toons");
  EXPECT_EQ(Pointers("{" + toons + R"(,"priority":1,"priority":1})"), "/priority");
}

TEST(SubmissionReader, NamesTheLimitThatIsPassed) {
  FakeRules fake;
  fake.limits.max_toons = 2;
  fake.limits.max_toon_bytes = 100;
  fake.limits.max_metadata_bytes = 20;
  fake.limits.max_operations_bytes = 30;
  fake.limits.max_body_bytes = 1000;
  const auto refusal = [&](const std::string& body, std::size_t piece) {
    const auto read = Read(body, fake, piece);
    if (read.envelope || read.envelope.error().code != base::Code::kTooLarge) return std::string("other");
    return read.envelope.error().message + " at " + read.pointers();
  };
  const std::string toon = R"({"toonId":"%","type":"message","text":""})";
  const auto with_id = [&](const std::string& id) { return std::string(toon).replace(toon.find('%'), 1, id); };
  for (const std::size_t piece : {SIZE_MAX, std::size_t{5}}) {
    EXPECT_EQ(refusal("{\"toons\":[" + with_id("a") + "," + with_id("b") + "," + with_id("c") + "]}", piece),
              "over max_toons (2) at /toons");
    EXPECT_EQ(refusal("{\"toons\":[" + with_id("a") + "," + with_id(std::string(61, 'x')) + "]}", piece),
              "over max_toon_bytes (100) at /toons/1");
    EXPECT_EQ(refusal(R"({"metadata":{"a":"0123456789abc"}})", piece), "over max_metadata_bytes (20) at /metadata");
    EXPECT_EQ(refusal(R"({"operations":{"image":["0123456789abcdefg"]}})", piece),
              "over max_operations_bytes (30) at /operations");
    EXPECT_EQ(refusal(std::string(1001, ' '), piece), "over max_body_bytes (1000) at ");
  }
  // Whitespace does not count, so a toon of exactly the limit passes.
  const std::string padded = "{   \"toonId\":\"" + std::string(100 - toon.size() + 1, 'x') + toon.substr(12);
  EXPECT_EQ(Read("{\"toons\":[" + padded + "]}", fake).pointers(), "good");
}

TEST(SubmissionReader, MeasuresAToonsMetadataWithinALongToon) {
  FakeRules fake;
  fake.limits.max_metadata_bytes = 20;
  const auto body = [](const std::string& value) {
    return R"({"toons":[{"toonId":"a","text":"some long text","type":"message","metadata":{"a":")" + value + "\"}}]}";
  };
  EXPECT_EQ(Read(body(std::string(12, 'x')), fake).pointers(), "good");
  EXPECT_EQ(Read(body(std::string(13, 'x')), fake).pointers(), "/toons/0/metadata");
}

TEST(SubmissionReader, RefusesDeepNestingEarlyAndInBoundedMemory) {
  FakeRules fake;
  Collector sink;
  SubmissionReader reader(fake.rules(), sink);
  ASSERT_TRUE(reader.Write(R"({"toons":[{"toonId":"a","type":"message","json":)").has_value());
  const auto status = reader.Write(std::string(100, '['));
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().fields.at(0).pointer, "/toons/0");
  EXPECT_FALSE(reader.Write("x").has_value());
  EXPECT_FALSE(reader.Finish().has_value());
  // The whole document counts: a toon lies in two containers, so 61 more fit below its own.
  const auto nested = [](std::size_t depth) {
    return R"({"toons":[{"toonId":"a","type":"message","json":)" + std::string(depth, '[') + std::string(depth, ']') +
           "}]}";
  };
  EXPECT_EQ(Pointers(nested(61)), "good");
  EXPECT_EQ(Pointers(nested(62)), "/toons/0");
}

TEST(SubmissionReader, AnswersTheSinksErrorAtTheUri) {
  const std::string body =
      R"({"toons":[{"toonId":"a","type":"message","uri":"upload://)" + std::string(64, '0') + "\"}]}";
  const auto mine = Read(body, {}, SIZE_MAX, base::FailAt("", "is not an upload of yours"));
  EXPECT_EQ(mine.pointers(), "/toons/0/uri");
  const auto full = Read(body, {}, SIZE_MAX, base::Fail(base::Code::kUnavailable, "disk full"));
  ASSERT_FALSE(full.envelope.has_value());
  EXPECT_EQ(full.envelope.error().code, base::Code::kUnavailable);
}

TEST(SubmissionReader, StopsAtAHundredBadPlaces) {
  std::string body = "{\"toons\":[";
  for (int i = 0; i < 500; ++i) body += "1,";
  const auto read = Read(body + "1]}");
  ASSERT_FALSE(read.envelope.has_value());
  EXPECT_EQ(read.envelope.error().fields.size(), job::kMaxFieldErrors);
}

RC_GTEST_PROP(SubmissionReader, NeverCrashesOnAChangedBody, ()) {
  std::string body(kFull);
  const auto changes = *rc::gen::inRange(1, 4);
  for (int i = 0; i < changes; ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, body.size());
    static constexpr std::string_view kBytes = "{}[]\",:\\ 1a\xff\n";
    body[at] = kBytes[*rc::gen::inRange<std::size_t>(0, kBytes.size())];
  }
  // However it is cut, the answer is the same.
  const auto whole = Read(body);
  const auto cut = Read(body, {}, *rc::gen::inRange<std::size_t>(1, 40));
  RC_ASSERT(whole.pointers() == cut.pointers());
  RC_ASSERT(whole.sink.lines == cut.sink.lines);
}

// A piece boundary within a run of backslashes is where a scanner goes wrong.
RC_GTEST_PROP(ValueScanner, FindsTheEndOfAStringWhateverItHolds, ()) {
  const auto inner = *rc::gen::container<std::string>(rc::gen::element('\\', '"', 'a', ' ', '['));
  std::string text = "[\"";
  for (const char c : inner) {
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
  text += "\"]";
  const std::string stream = text + ",\"after\"";
  ValueScanner scanner;
  scanner.Begin(1U << 20U, 64);
  const auto size = *rc::gen::inRange<std::size_t>(1, 5);
  std::size_t at = 0;
  auto end = ValueScanner::End::kMore;
  while (end == ValueScanner::End::kMore && at < stream.size()) {
    std::string_view piece = std::string_view(stream).substr(at, size);
    const std::size_t before = piece.size();
    end = scanner.Feed(piece);
    at += before - piece.size();
  }
  RC_ASSERT(end == ValueScanner::End::kDone);
  RC_ASSERT(scanner.text().view() == text);
}

TEST(IdSet, HoldsAMillionIdsInLessThan40Megabytes) {
  IdSet set;
  std::size_t peak = 0;
  std::size_t before = set.MemoryBytes();
  for (int i = 0; i < 1'000'000; ++i) {
    ASSERT_TRUE(set.Insert("toon-" + std::to_string(i)));
    if (set.MemoryBytes() != before) peak = std::max(peak, before + set.MemoryBytes());  // both live while it grows
    before = set.MemoryBytes();
  }
  EXPECT_LT(std::max(peak, before), 40U * 1000 * 1000);
  for (int i = 0; i < 1'000'000; i += 997) EXPECT_FALSE(set.Insert("toon-" + std::to_string(i)));
  EXPECT_EQ(set.size(), 1'000'000U);
}

}  // namespace
}  // namespace wire
