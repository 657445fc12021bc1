// What a server must not let pass, over real sockets.
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "http/request_parser.h"
#include "http/test_support.h"

namespace http::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Case {
  const char* name;
  std::string request;
  int status;
};
void PrintTo(const Case& value, std::ostream* out) {
  *out << value.name;
}

class MalformedTest : public ServerTest, public ::testing::WithParamInterface<Case> {};

TEST_P(MalformedTest, IsRefusedAndTheConnectionClosed) {
  Start();
  // Were the first taken for a request with a body or without one, the second would be answered too.
  const std::string answer = Talk(GetParam().request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + std::to_string(GetParam().status) + " "));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("smuggled")));
}

std::string With(const std::string& header) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + header + "\r\n\r\n";
}

std::string Repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

const Case kCases[] = {
    {"BothLengthAndCoding", With("Content-Length: 3\r\nTransfer-Encoding: chunked") + "0\r\n\r\n", 400},
    {"BothCodingAndLength", With("Transfer-Encoding: chunked\r\nContent-Length: 3") + "0\r\n\r\n", 400},
    {"TwoLengths", With("Content-Length: 3\r\nContent-Length: 4") + "abcd", 400},
    {"LengthList", With("Content-Length: 3, 3") + "abc", 400},
    {"NegativeLength", With("Content-Length: -1"), 400},
    {"SignedLength", With("Content-Length: +1") + "a", 400},
    {"HexLength", With("Content-Length: 0x1") + "a", 400},
    {"HugeLength", With("Content-Length: 99999999999999999999"), 400},
    {"EmptyLength", With("Content-Length: "), 400},
    {"UnknownCoding", With("Transfer-Encoding: gzip"), 400},
    {"CodingList", With("Transfer-Encoding: gzip, chunked") + "0\r\n\r\n", 400},
    {"CodingTwice", With("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked") + "0\r\n\r\n", 400},
    {"CodingWithTab",
     With("Transfer-Encoding: \x0b"
          "chunked") +
         "0\r\n\r\n",
     400},
    {"CodingInHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"FoldedLine", With("X: a\r\n b"), 400},
    {"FoldedFirstHeader", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"FoldedByTab", With("X: a\r\n\tContent-Length: 5"), 400},
    {"SpaceBeforeColon", With("Content-Length : 3") + "abc", 400},
    {"EmptyName", With(": x"), 400},
    {"NameWithSpace", With("A B: x"), 400},
    {"NameWithBrackets", With("X(y): x"), 400},
    {"NoColon", With("Nothing"), 400},
    {"BareLineFeed", "GET / HTTP/1.1\nHost: a\n\n", 400},
    {"BareLineFeedInHeader", With("X: a\nContent-Length: 3"), 400},
    {"BareCarriageReturn", With("X: a\rContent-Length: 3"), 400},
    {"NulInValue", With(std::string("X: a\0b", 6)), 400},
    {"NoHost", "GET / HTTP/1.1\r\n\r\n", 400},
    {"TwoHosts", With("Host: b"), 400},
    {"Garbage", "\x16\x03\x01 hello\r\n\r\n", 400},
    {"NoVersion", "GET /\r\n\r\n", 400},
    {"Http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
    {"OddVersion", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
    {"LowerCaseVersion", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
    {"TwoSpaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"RelativeTarget", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"FragmentInTarget", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"BytesInTarget", "GET /\xc3\xb1 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"BrokenEscape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"CutEscape", "GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"EscapedNul", "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"UnknownMethod", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"LowerCaseMethod", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"LongMethod", std::string(500, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"Connect", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"ChunkSizeGarbage", With("Transfer-Encoding: chunked") + "zz\r\nabc\r\n0\r\n\r\n", 400},
    {"ChunkSizeHuge", With("Transfer-Encoding: chunked") + "fffffffffffffffff\r\nabc\r\n0\r\n\r\n", 400},
    {"ChunkTooLong", With("Transfer-Encoding: chunked") + "2\r\nabc\r\n0\r\n\r\n", 400},
    {"ChunkBareLineFeed", With("Transfer-Encoding: chunked") + "3\nabc\n0\n\n", 400},
    {"ChunksOfPadding",
     With("Transfer-Encoding: chunked") + Repeat("1;" + std::string(10'000, 'x') + "\r\na\r\n", 20) + "0\r\n\r\n", 400},
    {"EmptyHost", "GET / HTTP/1.1\r\nHost: \r\n\r\n", 400},
    {"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"HostWithUser", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
    {"TargetOfAnotherHost", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"OtherExpectation", With("Expect: 200-ok\r\nContent-Length: 3"), 417},
    {"NoVersionAndNoEnd", "GET /\r\n", 400},
    {"Http2Preface", "PRI * HTTP/2.0\r\n", 400},
    {"ChunkExtensionEndless", With("Transfer-Encoding: chunked") + "3;" + std::string(40'000, 'x'), 400},
};
INSTANTIATE_TEST_SUITE_P(Requests, MalformedTest, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST_F(ServerTest, AbsoluteTargetsAreReadAsTheirPath) {
  Start();
  EXPECT_THAT(Talk("GET http://h/p?q HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), HasSubstr("GET /p "));
}

TEST_F(ServerTest, EqualRepeatedLengthsAreOne) {
  Start();
  EXPECT_THAT(
      Talk("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
      StartsWith("HTTP/1.1 200"));
}

RC_GTEST_PROP(HeadScanner, FindsTheSameEndInPiecesAsInOne, (const std::string& noise)) {
  const std::string text = "GET / HTTP/1.1\r\nX: " + noise + "\r\n\r\nrest";
  HeadScanner whole;
  const auto expected = whole.Scan(text);
  HeadScanner pieces;
  auto got = pieces.Scan(std::string_view(text).substr(0, 0));
  for (std::size_t size = 1; size <= text.size() && got && !*got; ++size) got = pieces.Scan(text.substr(0, size));
  RC_ASSERT(got.has_value() == expected.has_value());
  if (expected) RC_ASSERT(*got == *expected);
}

RC_GTEST_PROP(RequestParser, AnyBytesAreReadOrRefused, (const std::string& head, const std::string& body)) {
  RequestParser parser;
  (void)parser.ParseHead(head + "\r\n\r\n");
  RequestParser chunked;
  RC_ASSERT(chunked.ParseHead("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").has_value());
  std::string out;
  (void)chunked.ParseChunked(body, out);
  RC_ASSERT(out.size() <= body.size());
}

TEST(Query, IsDecodedStrictly) {
  const auto good = ParseQuery("a=1&b=%20x+y&c&=e");
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(good->at("b"), " x y");
  EXPECT_EQ(good->at("c"), "");
  EXPECT_FALSE(ParseQuery("a=%2").has_value());
  EXPECT_FALSE(ParseQuery("a=1&a=2").has_value());
  EXPECT_EQ(PercentDecode("a+b%2Fc"), "a+b/c");
}

RC_GTEST_PROP(Percent, DecodesWhatItEncodes, (const std::string& text)) {
  RC_ASSERT(PercentDecode(PercentEncode(text)) == text);
}

}  // namespace
}  // namespace http::test
