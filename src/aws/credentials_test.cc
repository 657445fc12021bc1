#include "aws/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <thread>

#include "aws/profile.h"
#include "contract/temp_dir.h"
#include "fakes/clock.h"

namespace aws {
namespace {

using base::Code;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;
using ::testing::HasSubstr;

// Answers by "METHOD url"; what it does not know cannot be reached.
class FakeTransport final : public Transport {
 public:
  base::Result<http::ClientResponse> Send(const http::ClientRequest& request) override {
    requests.push_back(request);
    bodies.emplace_back(request.body);
    const auto found = answers.find(request.method + " " + request.url);
    if (found == answers.end()) return base::Fail(Code::kUnavailable, "no route to " + request.url);
    return found->second;
  }
  std::map<std::string, http::ClientResponse> answers;
  std::vector<http::ClientRequest> requests;
  std::vector<std::string> bodies;
};

const std::string kStsAnswer =
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>"
    "<AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s1</SecretAccessKey><SessionToken>t1</SessionToken>"
    "<Expiration>2026-01-01T01:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
const std::string kJsonAnswer =
    R"({"Code":"Success","AccessKeyId":"ASIA2","SecretAccessKey":"s2","Token":"t2","Expiration":"2026-01-01T06:00:00Z"})";

class ChainTest : public ::testing::Test {
 protected:
  ChainTest() { variables["HOME"] = dir.path(); }
  ChainParts Parts() {
    return {.environment = [this](std::string_view name) -> std::optional<std::string> {
              const auto found = variables.find(std::string(name));
              if (found == variables.end()) return std::nullopt;
              return found->second;
            },
            .transport = transport,
            .clock = clock};
  }
  base::Result<Credentials> Get() { return MakeCredentialChain(Parts())->Get(); }
  std::string Write(const std::string& name, std::string_view text) {
    const std::string path = dir.path() + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }
  contract::TempDir dir;
  std::map<std::string, std::string> variables;
  FakeTransport transport;
  fakes::ManualClock clock;
};

TEST_F(ChainTest, TheEnvironmentComesFirst) {
  variables["AWS_ACCESS_KEY_ID"] = "AK";
  EXPECT_EQ(Get().error().code, Code::kUnauthenticated) << "half a pair is an error";
  variables["AWS_SECRET_ACCESS_KEY"] = "SK";
  variables["AWS_SESSION_TOKEN"] = "T";
  EXPECT_EQ(*Get(), (Credentials{.access_key_id = "AK", .secret_access_key = "SK", .session_token = "T"}));
  EXPECT_TRUE(transport.requests.empty());
}

TEST_F(ChainTest, WithoutAnyTheErrorNamesWhatWasTried) {
  const auto none = Get();
  EXPECT_EQ(none.error().code, Code::kUnauthenticated);
  for (const char* name :
       {"AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "profile default", "CONTAINER", "instance"}) {
    EXPECT_THAT(none.error().message, HasSubstr(name));
  }
}

TEST_F(ChainTest, AProfileGivesKeysAndARegion) {
  Write(".aws/credentials",
        "# keys\n[default]\naws_access_key_id = AK1\naws_secret_access_key=SK=1\n\n[other]\n"
        "AWS_ACCESS_KEY_ID = AK2\naws_secret_access_key = SK2\naws_session_token = T2\n");
  Write(".aws/config",
        "[default]\nregion = eu-south-2\ns3 =\n  addressing_style = path\n[profile other]\n"
        "region = us-east-1\n[sso-session x]\nregion = nowhere\n");
  EXPECT_EQ(Get()->access_key_id, "AK1");
  EXPECT_EQ(Get()->secret_access_key, "SK=1");
  EXPECT_EQ(*FindRegion(Parts()), "eu-south-2");
  variables["AWS_PROFILE"] = "other";
  EXPECT_EQ(Get()->session_token, "T2");
  EXPECT_EQ(*FindRegion(Parts()), "us-east-1");
  variables["AWS_PROFILE"] = "none";
  EXPECT_THAT(Get().error().message, HasSubstr("no profile none"));
}

TEST_F(ChainTest, AProfileTakesOnARoleWithAnothersKeys) {
  Write(".aws/credentials", "[base]\naws_access_key_id = AK1\naws_secret_access_key = SK1\n");
  Write(".aws/config",
        "[profile work]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\nregion = eu-west-1\n"
        "external_id = e/1\n[profile loop]\nrole_arn = a\nsource_profile = loop2\n"
        "[profile loop2]\nrole_arn = b\nsource_profile = loop\n");
  variables["AWS_PROFILE"] = "work";
  transport.answers["POST https://sts.eu-west-1.amazonaws.com/"] = {.status = 200, .body = kStsAnswer};
  const auto role = Get();
  ASSERT_TRUE(role.has_value()) << role.error().message;
  EXPECT_EQ(role->access_key_id, "ASIA1");
  EXPECT_EQ(role->session_token, "t1");
  EXPECT_EQ(base::FormatTime(*role->expires_at), "2026-01-01T01:00:00.000Z");
  EXPECT_EQ(transport.bodies.at(0),
            "Action=AssumeRole&ExternalId=e%2F1&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&"
            "RoleSessionName=ubertoons&Version=2011-06-15");
  bool is_signed = false;
  for (const auto& [name, value] : transport.requests[0].headers) {
    is_signed =
        is_signed || (name == "authorization" && value.find("Credential=AK1/20260101/eu-west-1/sts/") != value.npos);
  }
  EXPECT_TRUE(is_signed);
  variables["AWS_PROFILE"] = "loop";
  EXPECT_EQ(Get().error().code, Code::kUnauthenticated) << "two profiles that name each other end";
}

TEST_F(ChainTest, WhatAProfileAsksForAndWeCannotIsSaid) {
  Write(".aws/config", "[default]\ncredential_process = /bin/keys\n");
  EXPECT_EQ(Get().error().code, Code::kUnsupported);
  EXPECT_THAT(Get().error().message, HasSubstr("credential_process"));
}

TEST_F(ChainTest, AWebIdentityIsExchangedUnsigned) {
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = Write("token", "jwt.x.y");
  variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
  variables["AWS_REGION"] = "eu-west-1";
  transport.answers["POST https://sts.eu-west-1.amazonaws.com/"] = {.status = 200, .body = kStsAnswer};
  EXPECT_EQ(Get()->access_key_id, "ASIA1");
  EXPECT_THAT(transport.bodies.at(0), HasSubstr("WebIdentityToken=jwt.x.y"));
  EXPECT_EQ(transport.requests[0].headers.size(), 1U) << "the content type only";
  transport.answers.begin()->second.status = 403;
  EXPECT_EQ(Get().error().code, Code::kUnauthenticated);
}

TEST_F(ChainTest, AContainersEndpointIsAskedWithItsTokenFile) {
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1:8080/creds?x=1";
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = Write("auth", "secret\n");
  transport.answers["GET http://127.0.0.1:8080/creds?x=1"] = {.status = 200, .body = kJsonAnswer};
  const auto keys = Get();
  ASSERT_TRUE(keys.has_value()) << keys.error().message;
  EXPECT_EQ(keys->session_token, "t2");
  EXPECT_EQ(transport.requests[0].headers, (http::Headers{{"Authorization", "secret"}}));
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://evil.example/creds";
  EXPECT_EQ(Get().error().code, Code::kUnauthenticated) << "no token leaves the machine in the clear";
  EXPECT_EQ(transport.requests.size(), 1U);
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/x";
  transport.answers["GET http://169.254.170.2/v2/x"] = {.status = 200, .body = "{}"};
  EXPECT_EQ(Get().error().code, Code::kUnavailable) << "an answer without keys";
}

TEST_F(ChainTest, AnInstancesRoleIsReadWithASessionToken) {
  const std::string at = "http://169.254.169.254/latest/";
  transport.answers["PUT " + at + "api/token"] = {.status = 200, .body = "imds"};
  transport.answers["GET " + at + "meta-data/iam/security-credentials/"] = {.status = 200, .body = "my role"};
  transport.answers["GET " + at + "meta-data/iam/security-credentials/my%20role"] = {.status = 200,
                                                                                     .body = kJsonAnswer};
  transport.answers["GET " + at + "meta-data/placement/region"] = {.status = 200, .body = "ap-south-1"};
  EXPECT_EQ(Get()->access_key_id, "ASIA2");
  EXPECT_EQ(transport.requests.back().headers, (http::Headers{{"X-aws-ec2-metadata-token", "imds"}}));
  EXPECT_EQ(*FindRegion(Parts()), "ap-south-1");
  variables["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_EQ(Get().error().code, Code::kUnauthenticated);
  EXPECT_EQ(FindRegion(Parts()).error().code, Code::kInvalid);
}

TEST_F(ChainTest, ABrokenProfileFileIsNamed) {
  const std::string path = Write(".aws/config", "[default]\nregion\n");
  EXPECT_THAT(Get().error().message, HasSubstr(path + ": line 2"));
}

TEST_F(ChainTest, EndpointsComeFromTheEnvironment) {
  variables["AWS_ENDPOINT_URL"] = "http://127.0.0.1:5000/";
  variables["AWS_ENDPOINT_URL_S3"] = "https://minio.example:443/base";
  variables["AWS_MAX_ATTEMPTS"] = "2";
  auto settings = *SettingsFrom(Parts().environment);
  EXPECT_EQ(settings.max_attempts, 2);
  EXPECT_EQ(EndpointOf(Service::kSqs, settings)->authority, "127.0.0.1:5000");
  EXPECT_EQ(EndpointOf(Service::kS3, settings)->authority, "minio.example");
  EXPECT_EQ(EndpointOf(Service::kS3, settings)->path_prefix, "/base");
  variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  settings = *SettingsFrom(Parts().environment);
  EXPECT_EQ(EndpointOf(Service::kSqs, settings).error().code, Code::kInvalid) << "no region";
  settings.region = "cn-north-1";
  EXPECT_EQ(EndpointOf(Service::kEventBridge, settings)->authority, "events.cn-north-1.amazonaws.com.cn");
  variables["AWS_MAX_ATTEMPTS"] = "many";
  EXPECT_EQ(SettingsFrom(Parts().environment).error().code, Code::kInvalid);
  EXPECT_EQ(ParseEndpoint("ftp://x").error().code, Code::kInvalid);
}

// Counts what it is asked; may be told to fail or to wait.
class CountedSource final : public CredentialSource {
 public:
  explicit CountedSource(const base::Clock& clock) : clock_(clock) {}
  base::Result<Credentials> Get() override {
    const int number = ++asked;
    if (gate.valid()) gate.wait();
    if (fails) return base::Fail(Code::kUnavailable, "down");
    return Credentials{.access_key_id = "AK" + std::to_string(number), .expires_at = clock_.Now() + 60min};
  }
  std::atomic<int> asked = 0;
  std::atomic<bool> fails = false;
  std::shared_future<void> gate;

 private:
  const base::Clock& clock_;
};

TEST(CachedCredentials, AreRenewedAheadOfTheirEndAndOtherwiseKept) {
  fakes::ManualClock clock;
  CountedSource source(clock);
  CachedCredentials cached(source, clock);
  EXPECT_EQ(cached.Get()->access_key_id, "AK1");
  clock.Advance(54min);
  EXPECT_EQ(cached.Get()->access_key_id, "AK1");
  clock.Advance(2min);
  EXPECT_EQ(cached.Get()->access_key_id, "AK2");
  EXPECT_EQ(source.asked, 2);
}

TEST(CachedCredentials, AFailedRenewalLeavesTheOldOnesWhileTheyLast) {
  fakes::ManualClock clock;
  CountedSource source(clock);
  CachedCredentials cached(source, clock);
  (void)cached.Get();
  source.fails = true;
  clock.Advance(56min);
  EXPECT_EQ(cached.Get()->access_key_id, "AK1");
  EXPECT_EQ(cached.Get()->access_key_id, "AK1");
  EXPECT_EQ(source.asked, 2) << "not by every call";
  clock.Advance(CachedCredentials::kRenewPause);
  (void)cached.Get();
  EXPECT_EQ(source.asked, 3);
  clock.Advance(5min);
  EXPECT_EQ(cached.Get().error().code, Code::kUnavailable);
}

TEST(CachedCredentials, AreRenewedByOneCallerWhileTheOthersGoOn) {
  fakes::ManualClock clock;
  CountedSource source(clock);
  CachedCredentials cached(source, clock);
  (void)cached.Get();
  clock.Advance(56min);
  std::promise<void> open;
  source.gate = open.get_future().share();
  std::jthread renewer([&] { EXPECT_EQ(cached.Get()->access_key_id, "AK2"); });
  while (source.asked < 2) std::this_thread::yield();
  EXPECT_EQ(cached.Get()->access_key_id, "AK1") << "does not wait";
  clock.Advance(5min);  // now they have ended
  std::vector<std::jthread> waiters;
  for (int i = 0; i < 3; ++i) waiters.emplace_back([&] { EXPECT_EQ(cached.Get()->access_key_id, "AK2"); });
  open.set_value();
  waiters.clear();
  renewer.join();
  EXPECT_EQ(source.asked, 2);
}

TEST(CachedCredentials, WhatAServiceCallsExpiredIsNotAnsweredAgain) {
  fakes::ManualClock clock;
  CountedSource source(clock);
  CachedCredentials cached(source, clock);
  const Credentials first = *cached.Get();
  cached.Expired(first);
  EXPECT_EQ(cached.Get()->access_key_id, "AK2");
  cached.Expired(first);  // somebody who is late
  EXPECT_EQ(cached.Get()->access_key_id, "AK2");
}

}  // namespace
}  // namespace aws
