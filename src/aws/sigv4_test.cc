#include "aws/sigv4.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

namespace aws {
namespace {

namespace json = boost::json;

const base::TimePoint kNow = *base::ParseTime("2026-01-02T03:04:05Z");

json::array Vectors() {
  std::ifstream file(SIGV4_VECTORS);
  std::stringstream text;
  text << file.rdbuf();
  return json::parse(text.str()).as_array();
}

std::string Text(const json::value& of, std::string_view name) {
  return std::string(of.at(name).as_string());
}

Pairs PairsOf(const json::value& of, std::string_view name) {
  Pairs out;
  for (const json::value& pair : of.at(name).as_array()) {
    out.emplace_back(std::string(pair.at(0).as_string()), std::string(pair.at(1).as_string()));
  }
  return out;
}

std::string HeaderOf(const SignedRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return "";
}

// One vector, with what it is made of kept alive.
struct Vector {
  explicit Vector(const json::value& of)
      : name(Text(of, "name")),
        method(Text(of, "method")),
        host(Text(of, "host")),
        path(Text(of, "path")),
        payload(of.at("unsigned").as_bool() ? std::string(kUnsignedPayload) : Text(of, "bodySha256")),
        keys{.access_key_id = "AKIDEXAMPLE",
             .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
             .session_token = Text(of, "token")},
        scope{.region = Text(of, "region"),
              .service = Text(of, "service"),
              .style = Text(of, "service") == "s3" ? SignStyle::kS3 : SignStyle::kOther},
        request{.method = method,
                .host = host,
                .path = path,
                .query = PairsOf(of, "query"),
                .headers = PairsOf(of, "headers"),
                .body_sha256_hex = payload} {}
  std::string name, method, host, path, payload;
  Credentials keys;
  SigningScope scope;
  RequestToSign request;
};

TEST(SigV4, SignsEveryRequestAsBotocoreDoes) {
  int seen = 0;
  for (const json::value& of : Vectors()) {
    if (of.at("expires").as_int64() != 0) continue;
    const Vector vector(of);
    EXPECT_EQ(HeaderOf(Sign(vector.request, vector.scope, vector.keys, kNow), "authorization"),
              Text(of, "authorization"))
        << vector.name;
    ++seen;
  }
  EXPECT_GE(seen, 40);
}

TEST(SigV4, PresignsEveryUrlAsBotocoreDoes) {
  int seen = 0;
  for (const json::value& of : Vectors()) {
    const std::int64_t seconds = of.at("expires").as_int64();
    if (seconds == 0) continue;
    const Vector vector(of);
    const std::string target =
        PresignTarget(vector.request, vector.scope, vector.keys, kNow, std::chrono::seconds(seconds));
    EXPECT_TRUE(target.ends_with("&X-Amz-Signature=" + Text(of, "signature"))) << vector.name << "\n" << target;
    EXPECT_NE(target.find("X-Amz-Expires=" + std::to_string(seconds) + "&"), std::string::npos) << target;
    ++seen;
  }
  EXPECT_GE(seen, 6);
}

TEST(SigV4, ATargetIsSentAsItWasSigned) {
  const RequestToSign request{
      .host = "h", .path = "/b/a b/ñ", .query = {{"uploads", ""}, {"a", "x/y"}}, .body_sha256_hex = kUnsignedPayload};
  const SigningScope scope{.region = "r", .service = "s3", .style = SignStyle::kS3};
  EXPECT_EQ(Sign(request, scope, {}, kNow).target, "/b/a%20b/%C3%B1?a=x%2Fy&uploads=");
}

TEST(SigV4, ATokenAndTheContentHashAreSentOnlyWhereTheyBelong) {
  const RequestToSign request{.host = "h", .body_sha256_hex = "abc"};
  SigningScope scope{.region = "r", .service = "s3", .style = SignStyle::kS3};
  const SignedRequest s3 = Sign(request, scope, {.session_token = "t"}, kNow);
  EXPECT_EQ(HeaderOf(s3, "x-amz-content-sha256"), "abc");
  EXPECT_EQ(HeaderOf(s3, "x-amz-security-token"), "t");
  EXPECT_EQ(HeaderOf(s3, "x-amz-date"), "20260102T030405Z");
  scope.style = SignStyle::kOther;
  const SignedRequest other = Sign(request, scope, {}, kNow);
  EXPECT_EQ(other.headers.size(), 2U) << "the date and the authorization";
}

}  // namespace
}  // namespace aws
