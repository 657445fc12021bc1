#include "http/request_parser.h"

#include <gtest/gtest.h>

namespace http {
namespace {

constexpr std::string_view kHead = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

// As the session does it: one more byte at a time, what is not used yet in front.
std::string ReadByteByByte(std::string_view body, bool& done) {
  RequestParser parser;
  EXPECT_TRUE(parser.ParseHead(kHead).has_value());
  std::string data;
  std::size_t used = 0;
  for (std::size_t given = 1; given <= body.size() && !parser.done(); ++given) {
    for (std::size_t now = 1; now != 0 && !parser.done();) {
      const auto result = parser.ParseChunked(body.substr(used, given - used), data);
      if (!result) return "refused";
      now = *result;
      used += now;
    }
  }
  done = parser.done();
  return data;
}

TEST(RequestParserTest, ReadsAnEmptyChunkedBodyByteByByte) {
  for (const std::string_view body : {"0\r\n\r\n", "00\r\n\r\n", "0;a=b\r\n\r\n", "0\r\nTrailer: x\r\n\r\n"}) {
    bool done = false;
    EXPECT_EQ(ReadByteByByte(body, done), "") << body;
    EXPECT_TRUE(done) << body;
  }
}

TEST(RequestParserTest, ReadsChunksByteByByte) {
  for (const std::string_view body : {"1\r\n0\r\n0\r\n\r\n", "01\r\n0\r\n0\r\n\r\n"}) {
    bool done = false;
    EXPECT_EQ(ReadByteByByte(body, done), "0") << body;
    EXPECT_TRUE(done) << body;
  }
}

TEST(RequestParserTest, RefusesAChunkWithoutASizeByteByByte) {
  bool done = false;
  EXPECT_EQ(ReadByteByByte("0x\r\n\r\n", done), "refused");
  EXPECT_EQ(ReadByteByByte("\r\n0\r\n\r\n", done), "refused");
}

}  // namespace
}  // namespace http
