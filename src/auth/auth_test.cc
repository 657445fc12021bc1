#include "auth/auth.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <rapidcheck/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "auth/jwks.h"
#include "base/hash.h"

namespace auth {
namespace {

using base::Code;
using std::chrono_literals::operator""s;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kNow = 1'800'000'000;  // seconds

class TestClock final : public base::Clock {
 public:
  [[nodiscard]] base::TimePoint Now() const override { return base::FromUnixMicros(seconds * 1'000'000); }
  [[nodiscard]] base::SteadyPoint Steady() const override { return base::SteadyPoint(std::chrono::seconds(seconds)); }
  std::atomic<std::int64_t> seconds = kNow;
};

class TempFolder {
 public:
  TempFolder() {
    std::string name = std::filesystem::temp_directory_path() / "auth-test-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string ReadAll(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

// One key pair for all tests: making one takes long.
struct Issuer {
  TempFolder folder;
  std::unique_ptr<LocalIssuer> issuer = std::move(LocalIssuer::Open(folder / "keys").value());
  std::string key_file = folder / "keys/issuer-key.pem";
  std::string kid = issuer->issuer().substr(std::string("https://ubertoons.local/").size());
};
Issuer& TheIssuer() {
  static Issuer issuer;
  return issuer;
}

std::string Sign(const std::string& key_pem, const std::string& message) {
  BIO* bio = BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key);
  std::string signature(1024, '\0');
  std::size_t size = signature.size();
  EXPECT_EQ(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                           reinterpret_cast<const unsigned char*>(message.data()), message.size()),
            1);
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  BIO_free(bio);
  signature.resize(size);
  return signature;
}

std::string Token(const std::string& header, const std::string& claims) {
  const std::string message = base::ToBase64Url(header) + "." + base::ToBase64Url(claims);
  static const std::string pem = ReadAll(TheIssuer().key_file);
  return message + "." + base::ToBase64Url(Sign(pem, message));
}
std::string GoodHeader() {
  return R"({"alg":"RS256","kid":")" + TheIssuer().kid + R"("})";
}
// The members of a good access token; `more` is put in front, so that it may not repeat them.
std::string ClaimsWithout(const std::string& left_out, const std::string& more = "") {
  const std::vector<std::pair<std::string, std::string>> all = {{"iss", "\"" + TheIssuer().issuer->issuer() + "\""},
                                                                {"sub", "\"ana\""},
                                                                {"token_use", "\"access\""},
                                                                {"client_id", "\"app\""},
                                                                {"exp", std::to_string(kNow + 100)},
                                                                {"cognito:groups", R"(["operator"])"}};
  std::string out = "{" + more;
  for (const auto& [name, value] : all) {
    if (name == left_out) continue;
    if (out != "{") out += ",";
    out += "\"" + name + "\":" + value;
  }
  return out + "}";
}
std::string GoodClaims() {
  return ClaimsWithout("");
}

class VerifierTest : public ::testing::Test {
 protected:
  VerifierTest() { options_.issuer = TheIssuer().issuer->issuer(); }
  Verifier& Get() {
    if (!verifier_) {
      verifier_ = NewVerifier(
          options_,
          [this]() -> base::Result<std::string> {
            ++fetches_;
            return document_;
          },
          clock_);
    }
    return *verifier_;
  }
  base::Result<Identity> Verify(const std::string& token) { return Get().Verify(token); }
  std::string Reason(const std::string& token) {
    const auto result = Verify(token);
    if (result) return "accepted";
    EXPECT_EQ(result.error().code, Code::kUnauthenticated) << result.error().message;
    return result.error().reason;
  }

  TestClock clock_;
  VerifierOptions options_;
  base::Result<std::string> document_ = TheIssuer().issuer->Jwks();
  std::atomic<int> fetches_ = 0;
  std::unique_ptr<Verifier> verifier_;
};

TEST_F(VerifierTest, AcceptsWhatTheLocalIssuerMints) {
  base::SeededRandom random(1);
  const std::string token =
      TheIssuer().issuer->Mint({.subject = "ana \"x\"", .role = Role::kAdmin, .ttl = 60s}, clock_.Now(), random);
  const auto identity = Verify(token);
  ASSERT_TRUE(identity.has_value()) << identity.error().message;
  EXPECT_EQ(identity->tenant, job::TenantId("ana \"x\""));
  EXPECT_EQ(identity->subject, "ana \"x\"");
  EXPECT_EQ(identity->role, Role::kAdmin);
}

TEST_F(VerifierTest, AcceptsATokenSignedByTheOpensslTool) {
  const std::string message = base::ToBase64Url(GoodHeader()) + "." + base::ToBase64Url(GoodClaims());
  const TempFolder folder;
  std::ofstream(folder / "m") << message;
  const std::string command = "openssl dgst -sha256 -sign " + TheIssuer().key_file + " -out " + (folder / "s") + " " +
                              (folder / "m") + " 2>/dev/null";
  if (std::system(command.c_str()) != 0) GTEST_SKIP() << "no openssl tool";
  EXPECT_EQ(Reason(message + "." + base::ToBase64Url(ReadAll(folder / "s"))), "accepted");
}

TEST_F(VerifierTest, RefusesWhatIsNotThreeStrictParts) {
  const std::string good = Token(GoodHeader(), GoodClaims());
  for (const std::string& bad :
       {std::string(), std::string("x"), std::string("a.b"), std::string("..."), good + ".x", good + "=", "." + good,
        " " + good, good + "\n", std::string(20'000, 'a'), good.substr(0, good.rfind('.') + 1)}) {
    EXPECT_EQ(Reason(bad), "malformed-token") << bad.substr(0, 40);
  }
  for (const std::string claims : {"[]", "{", "{}x", "1", R"({"a":1,"a":2})", R"({"o":{"b":1,"b":1}})", "{\"a\":NaN}",
                                   R"({"a":1,"\u0061":2})", "{\"a\":\"\xff\"}", R"({"a":"\ud800"})"}) {
    EXPECT_EQ(Reason(Token(GoodHeader(), claims)), "malformed-token") << claims;
  }
  EXPECT_EQ(Reason(Token(GoodHeader(), ClaimsWithout("", R"("sub":"eve")"))), "malformed-token");
}

TEST_F(VerifierTest, RefusesOtherAlgorithms) {
  const std::string kid = R"("kid":")" + TheIssuer().kid + R"(")";
  for (const std::string alg : {"none", "None", "HS256", "RS384", "PS256", "ES256", "rs256", ""}) {
    EXPECT_EQ(Reason(Token(R"({"alg":")" + alg + R"(",)" + kid + "}", GoodClaims())), "wrong-algorithm") << alg;
  }
  EXPECT_EQ(Reason(Token("{" + kid + "}", GoodClaims())), "wrong-algorithm");
  EXPECT_EQ(Reason(Token(R"({"alg":["RS256"],)" + kid + "}", GoodClaims())), "wrong-algorithm");
  const std::string unsigned_token =
      base::ToBase64Url(R"({"alg":"none",)" + kid + "}") + "." + base::ToBase64Url(GoodClaims()) + ".";
  EXPECT_NE(Reason(unsigned_token), "accepted");
}

TEST_F(VerifierTest, RefusesAnHmacMadeWithThePublicKey) {
  const std::string header = R"({"alg":"HS256","kid":")" + TheIssuer().kid + R"("})";
  const std::string message = base::ToBase64Url(header) + "." + base::ToBase64Url(GoodClaims());
  const auto mac = base::HmacSha256(TheIssuer().issuer->Jwks(), message);
  EXPECT_EQ(Reason(message + "." + base::ToBase64Url(base::View(mac))), "wrong-algorithm");
}

TEST_F(VerifierTest, RefusesHeadersThatBringTheirOwnKeys) {
  for (const std::string name : {"crit", "jku", "jwk", "x5u", "x5c", "b64"}) {
    const std::string header =
        R"({"alg":"RS256","kid":")" + TheIssuer().kid + R"(",")" + name + R"(":"https://evil.example/"})";
    EXPECT_EQ(Reason(Token(header, GoodClaims())), "malformed-token") << name;
  }
  const std::string start = R"({"alg":"RS256","kid":")" + TheIssuer().kid + R"(","typ":)";
  EXPECT_EQ(Reason(Token(start + R"("JWT"})", GoodClaims())), "accepted");
  EXPECT_EQ(Reason(Token(start + R"("at+jwt"})", GoodClaims())), "accepted");
  EXPECT_EQ(Reason(Token(start + R"("JOSE"})", GoodClaims())), "malformed-token");
  EXPECT_EQ(Reason(Token(start + "1}", GoodClaims())), "malformed-token");
}

TEST_F(VerifierTest, RefusesUnknownAndMissingKeyIds) {
  EXPECT_EQ(Reason(Token(R"({"alg":"RS256","kid":"other"})", GoodClaims())), "unknown-key");
  EXPECT_EQ(Reason(Token(R"({"alg":"RS256"})", GoodClaims())), "malformed-token");
  EXPECT_EQ(Reason(Token(R"({"alg":"RS256","kid":7})", GoodClaims())), "malformed-token");
}

TEST_F(VerifierTest, RefusesASignatureOfOtherBytes) {
  const std::string good = Token(GoodHeader(), GoodClaims());
  ASSERT_EQ(Reason(good), "accepted");  // and cached: the changed ones must not profit
  const std::string other = Token(GoodHeader(), ClaimsWithout("sub", R"("sub":"eve")"));
  EXPECT_EQ(Reason(other.substr(0, other.rfind('.')) + good.substr(good.rfind('.'))), "bad-signature");
  EXPECT_EQ(Reason(good.substr(0, good.rfind('.')) + ".AAAA"), "bad-signature");
}

TEST_F(VerifierTest, PinsTheIssuer) {
  EXPECT_EQ(Reason(Token(GoodHeader(), ClaimsWithout("iss"))), "wrong-issuer");
  EXPECT_EQ(Reason(Token(GoodHeader(), ClaimsWithout("iss", R"("iss":"https://ubertoons.local/")"))), "wrong-issuer");
}

TEST_F(VerifierTest, HonoursExpiryToTheSecondOfItsLeeway) {
  const std::string token = Token(GoodHeader(), GoodClaims());  // exp is kNow + 100
  clock_.seconds = kNow + 129;
  EXPECT_EQ(Reason(token), "accepted");
  clock_.seconds = kNow + 130;
  EXPECT_EQ(Reason(token), "expired");
  EXPECT_EQ(Reason(Token(GoodHeader(), GoodClaims())), "expired");
  EXPECT_EQ(Reason(Token(GoodHeader(), ClaimsWithout("exp"))), "malformed-token");
  for (const std::string bad : {"\"1800000100\"", "-1", "1e300", "null", "99999999999999999999"}) {
    EXPECT_EQ(Reason(Token(GoodHeader(), ClaimsWithout("exp", "\"exp\":" + bad))), "malformed-token") << bad;
  }
}

TEST_F(VerifierTest, HonoursNotBeforeAndIssuedAtWithLeeway) {
  for (const std::string name : {"nbf", "iat"}) {
    const auto at = [&](std::int64_t seconds) {
      return Reason(Token(GoodHeader(), ClaimsWithout("", "\"" + name + "\":" + std::to_string(seconds))));
    };
    EXPECT_EQ(at(kNow + 30), "accepted") << name;
    EXPECT_EQ(at(kNow + 31), "not-yet-valid") << name;
  }
}

TEST_F(VerifierTest, ChecksUseAndAudienceByKindOfToken) {
  options_.audiences = {"app"};
  options_.token_uses = {"access", "id"};
  EXPECT_EQ(Reason(Token(GoodHeader(), GoodClaims())), "accepted");
  EXPECT_EQ(Reason(Token(GoodHeader(), ClaimsWithout("client_id"))), "wrong-audience");
  EXPECT_EQ(Reason(Token(GoodHeader(), ClaimsWithout("client_id", R"("aud":"app")"))), "wrong-audience");
  EXPECT_EQ(Reason(Token(GoodHeader(), ClaimsWithout("token_use", R"("token_use":"id","aud":"app")"))), "accepted");
  EXPECT_EQ(Reason(Token(GoodHeader(), ClaimsWithout("token_use", R"("token_use":"id","aud":["x","app"])"))),
            "accepted");
  EXPECT_EQ(Reason(Token(GoodHeader(), ClaimsWithout("token_use", R"("token_use":"id")"))), "wrong-audience");
  EXPECT_EQ(Reason(Token(GoodHeader(), ClaimsWithout("token_use", R"("token_use":"refresh")"))), "wrong-use");
  EXPECT_EQ(Reason(Token(GoodHeader(), ClaimsWithout("token_use"))), "wrong-use");
}

TEST_F(VerifierTest, TakesTheTenantFromItsClaim) {
  options_.tenant_claim = "custom:tenant";
  EXPECT_EQ(Reason(Token(GoodHeader(), GoodClaims())), "no-tenant");
  for (const std::string& bad : std::vector<std::string>{"\"\"", "7", "[\"a\"]", R"("a\n")", R"("a\u0000")",
                                                         "\"" + std::string(257, 't') + "\""}) {
    EXPECT_EQ(Reason(Token(GoodHeader(), ClaimsWithout("", "\"custom:tenant\":" + bad))), "no-tenant") << bad;
  }
  const auto identity = Verify(Token(GoodHeader(), ClaimsWithout("", R"("custom:tenant":"acme")")));
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->tenant, job::TenantId("acme"));
  EXPECT_EQ(identity->subject, "ana");
}

TEST_F(VerifierTest, TakesTheHighestKnownRole) {
  const auto role = [&](const std::string& groups) {
    const auto identity = Verify(Token(GoodHeader(), ClaimsWithout("cognito:groups", "\"cognito:groups\":" + groups)));
    return identity ? identity->role : Role::kNone;
  };
  EXPECT_EQ(role(R"(["viewer","admin","operator","strange"])"), Role::kAdmin);
  EXPECT_EQ(role(R"("viewer")"), Role::kViewer);
  EXPECT_EQ(role(R"(["Admin",7])"), Role::kNone);
  EXPECT_EQ(role("{}"), Role::kNone);
}

TEST_F(VerifierTest, AsksForUnknownKeysAtMostOncePerFloor) {
  const std::string stranger = Token(R"({"alg":"RS256","kid":"other"})", GoodClaims());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Reason(stranger), "unknown-key");
  EXPECT_EQ(fetches_, 1);
  clock_.seconds = kNow + 30;
  EXPECT_EQ(Reason(stranger), "unknown-key");
  EXPECT_EQ(fetches_, 2);
}

TEST_F(VerifierTest, LearnsARotatedKeyAfterTheFloor) {
  const base::Result<std::string> real = std::exchange(document_, std::string(R"({"keys":[]})"));
  const std::string token = Token(GoodHeader(), GoodClaims());
  EXPECT_EQ(Reason(token), "unknown-key");
  document_ = real;
  EXPECT_EQ(Reason(token), "unknown-key");
  clock_.seconds = kNow + 30;
  EXPECT_EQ(Reason(token), "accepted");
}

TEST_F(VerifierTest, AFailedFetchKeepsTheOldKeys) {
  EXPECT_EQ(Reason(Token(GoodHeader(), GoodClaims())), "accepted");
  document_ = base::Fail(Code::kUnavailable, "down");
  clock_.seconds = kNow + 4000;  // past jwks_max_age
  const std::string later = ClaimsWithout("exp", "\"exp\":" + std::to_string(kNow + 5000));
  EXPECT_EQ(Reason(Token(GoodHeader(), later)), "accepted");
  EXPECT_EQ(fetches_, 2);
}

TEST_F(VerifierTest, WithoutAnyKeysItIsOurProblem) {
  document_ = base::Fail(Code::kUnavailable, "down");
  const auto result = Verify(Token(GoodHeader(), GoodClaims()));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Code::kUnavailable);
}

TEST_F(VerifierTest, ManyThreadsShareOneFetch) {
  const std::string token = Token(GoodHeader(), GoodClaims());
  Get();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&] { EXPECT_TRUE(Get().Verify(token).has_value()); });
  }
  EXPECT_EQ(fetches_, 1);
}

RC_GTEST_FIXTURE_PROP(VerifierTest, ArbitraryBytesAreRefusedCalmly, (const std::string& a, const std::string& b)) {
  RC_ASSERT(!Verify(a).has_value());
  RC_ASSERT(!Verify(base::ToBase64Url(a) + "." + base::ToBase64Url(b) + ".AAAA").has_value());
}

TEST(Jwks, SkipsKeysThatMayNotVerify) {
  const std::string good = TheIssuer().issuer->Jwks();
  EXPECT_EQ(ParseJwks(good)->size(), 1U);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos);
    return ParseJwks(text.replace(at, from.size(), to));
  };
  EXPECT_EQ(with("\"RSA\"", "\"EC\"")->size(), 0U);
  EXPECT_EQ(with("\"sig\"", "\"enc\"")->size(), 0U);
  EXPECT_EQ(with("RS256", "RS512")->size(), 0U);
  EXPECT_EQ(with("\"AQAB\"", "\"AQ\"")->size(), 0U);
  EXPECT_EQ(with("\"AQAB\"", "\"!\"")->size(), 0U);
  const std::string short_modulus = base::ToBase64Url("\x80" + std::string(127, '\x01'));  // 1024 bits
  EXPECT_EQ(ParseJwks(R"({"keys":[{"kty":"RSA","kid":"k","e":"AQAB","n":")" + short_modulus + R"("}]})")->size(), 0U);
}

TEST(Jwks, RefusesWhatIsNoKeySet) {
  for (const std::string bad : {"", "{}", "[]", R"({"keys":{}})", R"({"keys":[1]})", R"({"keys":[],"keys":[]})"}) {
    EXPECT_EQ(ParseJwks(bad).error().code, Code::kCorrupt) << bad;
  }
  const std::string good = TheIssuer().issuer->Jwks();
  const std::string key = good.substr(9, good.size() - 11);
  EXPECT_EQ(ParseJwks("{\"keys\":[" + key + "," + key + "]}").error().code, Code::kCorrupt);
}

TEST(LocalIssuer, KeepsItsKeyAndSecretForTheNextOpening) {
  const TempFolder folder;
  const std::string dir = folder / "a/b";
  const auto first = LocalIssuer::Open(dir);
  ASSERT_TRUE(first.has_value()) << first.error().message;
  const auto second = LocalIssuer::Open(dir);
  ASSERT_TRUE(second.has_value()) << second.error().message;
  EXPECT_EQ((*first)->Jwks(), (*second)->Jwks());
  EXPECT_EQ((*first)->url_secret(), (*second)->url_secret());
  EXPECT_EQ((*first)->url_secret().size(), 32U);
  EXPECT_THAT((*first)->Jwks(), Not(HasSubstr("\"d\"")));
  struct stat info{};
  for (const std::string name : {"/issuer-key.pem", "/url-secret"}) {
    ASSERT_EQ(::stat((dir + name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
  }
  ASSERT_EQ(::stat(dir.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir), {}), 2) << "a temporary file stayed";
}

TEST(LocalIssuer, RefusesAKeyThatOthersCanRead) {
  const TempFolder folder;
  const std::string dir = folder / "keys";
  ASSERT_TRUE(LocalIssuer::Open(dir).has_value());
  for (const std::string name : {"/issuer-key.pem", "/url-secret"}) {
    ASSERT_EQ(::chmod((dir + name).c_str(), 0640), 0);
    EXPECT_EQ(LocalIssuer::Open(dir).error().code, Code::kForbidden);
    ASSERT_EQ(::chmod((dir + name).c_str(), 0600), 0);
  }
  EXPECT_TRUE(LocalIssuer::Open(dir).has_value());
}

TEST(LocalIssuer, NamesADamagedKeyInsteadOfReplacingIt) {
  const TempFolder folder;
  const std::string dir = folder / "keys";
  ASSERT_TRUE(LocalIssuer::Open(dir).has_value());
  std::ofstream(dir + "/issuer-key.pem") << "not a key";
  EXPECT_EQ(LocalIssuer::Open(dir).error().code, Code::kCorrupt);
  EXPECT_EQ(ReadAll(dir + "/issuer-key.pem"), "not a key");
}

TEST(LocalIssuer, SaysWhenItCannotWrite) {
  const TempFolder folder;
  std::ofstream(folder / "file") << "x";
  EXPECT_EQ(LocalIssuer::Open(folder / "file/keys").error().code, Code::kUnavailable);
}

class SignedUrlTest : public ::testing::Test {
 protected:
  SignedUrl url_{.method = "PUT",
                 .path = "/blobs/x",
                 .expires_at = base::FromUnixMicros(kNow * 1'000'000),
                 .bound = {{"tenant", "a b&c=d%/ñ"}, {"bytes", "12"}}};
  const std::string secret_ = std::string(32, 's');
  const base::TimePoint before_ = base::FromUnixMicros((kNow - 1) * 1'000'000);
  std::string query_ = SignUrl(url_, secret_).substr(std::string("/blobs/x?").size());

  std::string Reason(std::string_view method, std::string_view path, std::string_view query) {
    const auto result = VerifyUrl(method, path, query, secret_, before_);
    if (result) return "accepted";
    EXPECT_EQ(result.error().code, Code::kForbidden);
    return result.error().reason;
  }
};

TEST_F(SignedUrlTest, GivesBackWhatWasBound) {
  const auto result = VerifyUrl("PUT", "/blobs/x", query_, secret_, before_);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_THAT(result->bound, ::testing::UnorderedElementsAreArray(url_.bound));
  EXPECT_EQ(result->expires_at, url_.expires_at);
  std::swap(url_.bound[0], url_.bound[1]);
  EXPECT_EQ(SignUrl(url_, secret_), "/blobs/x?" + query_) << "the order of the values makes no difference";
}

TEST_F(SignedUrlTest, ExpiresToTheSecond) {
  EXPECT_EQ(VerifyUrl("PUT", "/blobs/x", query_, secret_, url_.expires_at).error().reason, "expired");
}

TEST_F(SignedUrlTest, RefusesEveryOtherSpelling) {
  EXPECT_EQ(Reason("GET", "/blobs/x", query_), "bad-signature");
  EXPECT_EQ(Reason("PUT", "/blobs/y", query_), "bad-signature");
  EXPECT_EQ(Reason("PUT", "/blobs/x", ""), "bad-signature");
  EXPECT_EQ(Reason("PUT", "/blobs/x", query_ + "&a=1"), "bad-signature");
  EXPECT_EQ(Reason("PUT", "/blobs/x", "a=1&" + query_), "bad-signature");
  EXPECT_EQ(Reason("PUT", "/blobs/x", "bytes=12&" + query_), "bad-signature");
  EXPECT_EQ(Reason("PUT", "/blobs/x", query_ + query_.substr(query_.rfind('&'))), "bad-signature");
  EXPECT_EQ(Reason("PUT", "/blobs/x", query_.substr(query_.find('&') + 1)), "bad-signature");
  EXPECT_EQ(VerifyUrl("PUT", "/blobs/x", query_, "other", before_).error().reason, "bad-signature");
  for (std::size_t i = 0; i < query_.size(); ++i) {
    std::string changed = query_;
    changed[i] = changed[i] == '1' ? '2' : '1';
    EXPECT_EQ(Reason("PUT", "/blobs/x", changed), "bad-signature") << i;
  }
}

TEST_F(SignedUrlTest, APartOfTheQueryCannotMoveIntoThePath) {
  const std::size_t cut = query_.find('&');
  EXPECT_EQ(Reason("PUT", "/blobs/x?" + query_.substr(0, cut), query_.substr(cut + 1)), "bad-signature");
}

RC_GTEST_PROP(SignedUrl, AnyBoundValuesComeBack, (const std::vector<std::pair<std::string, std::string>>& bound)) {
  const base::TimePoint expires = base::FromUnixMicros(kNow * 1'000'000);
  const std::string text = SignUrl({.method = "GET", .path = "/p", .expires_at = expires, .bound = bound}, "k");
  auto result = VerifyUrl("GET", "/p", std::string_view(text).substr(3), "k", base::FromUnixMicros(0));
  RC_ASSERT(result.has_value());
  auto sorted = bound;
  std::sort(sorted.begin(), sorted.end());
  RC_ASSERT(result->bound == sorted);
}

TEST(Roles, NamesGoBothWays) {
  for (const Role role : {Role::kViewer, Role::kOperator, Role::kAdmin}) EXPECT_EQ(RoleOf(RoleName(role)), role);
  EXPECT_FALSE(RoleOf("none").has_value());
  EXPECT_FALSE(RoleOf("").has_value());
}

}  // namespace
}  // namespace auth
