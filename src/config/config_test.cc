#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/settings.h"
#include "config/units.h"

namespace config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "config-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  // A file named server.toml in a folder of its own.
  std::string File(std::string_view text) {
    const std::string path = dir_ + "/server.toml";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  base::Result<Config> LoadText(std::string_view text, const std::map<std::string, std::string>& environment = {}) {
    return Load(Flags{.data = "/data", .config_file = File(text)}, environment);
  }
  // The message without the folder's name.
  std::string Refusal(std::string_view text) {
    const auto config = LoadText(text);
    if (config) return "accepted";
    std::string message = config.error().message;
    EXPECT_EQ(config.error().code, base::Code::kInvalid);
    if (const auto at = message.find(dir_ + "/"); at != std::string::npos) message.erase(at, dir_.size() + 1);
    return message;
  }

  std::string dir_;
};

std::string FlagRefusal(Flags flags, const std::map<std::string, std::string>& environment = {}) {
  if (!flags.data) flags.data = "/data";
  const auto config = Load(flags, environment);
  return config ? "accepted" : config.error().message;
}

// Everything comparable of two configurations.
std::string Print(const Config& c) {
  std::ostringstream out;
  out << c.listen_host << '|' << c.listen_port << '|' << c.allow_insecure_listen << '|' << c.tls_cert << '|'
      << c.tls_key << '|' << c.worker_command << '|' << c.max_workers << '|' << c.worker_idle.count() << '|'
      << c.worker_max_age.count() << '|' << c.worker_max_rss_mb << '|' << c.memory_budget.value_or(1) << '|'
      << c.chunk_timeout.count() << '|' << c.tenant_claim << '|' << c.roles_claim << '|' << c.audiences.size() << '|'
      << (c.retention ? c.retention->count() : -1) << '|' << c.upload_ttl.count() << '|'
      << static_cast<int>(c.log_level);
  const job::Limits& l = c.limits;
  const HttpSettings& h = c.http;
  for (const std::chrono::seconds time : {h.header_timeout, h.idle_timeout, h.body_timeout}) out << '|' << time.count();
  for (const std::uint64_t limit :
       {h.max_connections, h.max_connections_per_address, h.max_transfer_bytes, h.min_body_rate, l.max_body_bytes,
        l.max_toons, l.max_toon_bytes, l.max_referenced_bytes, l.max_manifest_bytes, l.max_metadata_bytes,
        l.max_operations_bytes, l.max_pending_toons, l.max_pending_toons_per_tenant, l.max_active_jobs_per_tenant,
        l.max_requests_per_second_per_tenant, l.max_page_size, l.max_page_bytes}) {
    out << '|' << limit;
  }
  return out.str();
}

std::string ReadExample() {
  std::ifstream file(EXAMPLE_TOML, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// "#key = value" lines become settings; prose comments ("# …") stay comments.
std::string Uncommented(const std::string& text) {
  std::istringstream in(text);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    const bool setting = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    out += (setting ? line.substr(1) : line) + "\n";
  }
  return out;
}

TEST_F(ConfigTest, NothingButADataFolderGivesTheDefaults) {
  const auto config = Load(Flags{.data = "/data"}, {});
  ASSERT_TRUE(config);
  EXPECT_EQ(Print(*config), Print(Config{}));
  EXPECT_EQ(config->data_dir, "/data");
}

TEST_F(ConfigTest, ADataFolderIsNeeded) {
  const auto config = Load(Flags{}, {});
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("--data"));
}

TEST_F(ConfigTest, TheExampleFileLoads) {
  const auto config = Load(Flags{.config_file = EXAMPLE_TOML}, {});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(Print(*config), Print(Config{}));
  EXPECT_EQ(config->data_dir, "/var/lib/ubertoons");
  ASSERT_EQ(config->processors.size(), 1U);
  EXPECT_EQ(config->processors[0].type, "word-cloud");
  ASSERT_EQ(config->webhooks.size(), 1U);
}

TEST_F(ConfigTest, TheExampleShowsTheDefaults) {
  const auto config = LoadText(Uncommented(ReadExample()));
  // tls_cert and tls_key are shown empty, so everything uncommented must load as it stands.
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(Print(*config), Print(Config{}));
  const CustomProcessor& shown = config->processors.at(0);
  const CustomProcessor standard;
  EXPECT_EQ(shown.handler, standard.handler);
  EXPECT_EQ(shown.max_workers, standard.max_workers);
  EXPECT_EQ(shown.timeout, standard.timeout);
  EXPECT_EQ(shown.memory_mb, standard.memory_mb);
  EXPECT_EQ(shown.version, standard.version);
  EXPECT_TRUE(shown.environment.empty());
}

TEST_F(ConfigTest, TheExampleShowsEveryKey) {
  const std::string text = "\n" + Uncommented(ReadExample());
  for (const Setting& setting : AllSettings()) {
    const std::string_view key = setting.key.substr(setting.key.rfind('.') + 1);
    EXPECT_THAT(text, HasSubstr("\n" + std::string(key) + " = "));
  }
}

TEST_F(ConfigTest, FlagsWinOverEnvironmentWinsOverFile) {
  const std::string path = File("listen = \"127.0.0.1:1\"\nworkers = 1\nlog_level = \"warn\"\n");
  const std::map<std::string, std::string> environment{{"UBERTOONS_LISTEN", "127.0.0.1:2"}, {"UBERTOONS_WORKERS", "2"}};
  const auto config = Load(Flags{.data = "/d", .listen = "[::1]:3", .config_file = path}, environment);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->listen_host, "::1");
  EXPECT_EQ(config->listen_port, 3);
  EXPECT_EQ(config->max_workers, 2);
  EXPECT_EQ(config->log_level, base::LogLevel::kWarn);
}

TEST_F(ConfigTest, EverySettingIsReadFromTheEnvironment) {
  const std::map<std::string, std::string> environment{{"UBERTOONS_DATA", "/e"},
                                                       {"UBERTOONS_ALLOW_INSECURE_LISTEN", "true"},
                                                       {"UBERTOONS_LISTEN", "0.0.0.0:80"},
                                                       {"UBERTOONS_WORKER_MAX_RSS", "64MiB"},
                                                       {"UBERTOONS_AUDIENCES", "a,b"},
                                                       {"UBERTOONS_RETENTION", "forever"},
                                                       {"UBERTOONS_LIMITS_MAX_TOONS", "7"},
                                                       {"UBERTOONS_LIMITS_MAX_BODY_BYTES", "1MB"},
                                                       {"UBERTOONS_URL", "http://elsewhere"},
                                                       {"PATH", "/bin"}};
  const auto config = Load(Flags{}, environment);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->data_dir, "/e");
  EXPECT_EQ(config->listen_host, "0.0.0.0");
  EXPECT_EQ(config->worker_max_rss_mb, 64U);
  EXPECT_THAT(config->audiences, ElementsAre("a", "b"));
  EXPECT_FALSE(config->retention);
  EXPECT_EQ(config->limits.max_toons, 7U);
  EXPECT_EQ(config->limits.max_body_bytes, 1'000'000U);
}

TEST_F(ConfigTest, TheFileMayBeNamedByTheEnvironment) {
  const auto config = Load(Flags{.data = "/d"}, {{"UBERTOONS_CONFIG", File("workers = 3")}});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->max_workers, 3);
}

TEST_F(ConfigTest, AMistypedVariableIsRefusedAndAForeignOneIsNot) {
  EXPECT_THAT(FlagRefusal({}, {{"UBERTOONS_LISTN", "x"}}),
              AllOf(HasSubstr("UBERTOONS_LISTN"), HasSubstr("did you mean \"UBERTOONS_LISTEN\"")));
  EXPECT_EQ(FlagRefusal({}, {{"UBERTOONS_BUILD_FOLDER", "x"}}), "accepted");
}

TEST_F(ConfigTest, AnUnknownKeyIsNamedWithItsLine) {
  EXPECT_EQ(Refusal("# one\nlisten = \"127.0.0.1:1\"\n\nwokers = 3\n"),
            "server.toml:4: wokers: unknown key (did you mean \"workers\"?)");
  EXPECT_EQ(Refusal("[limits]\nmax_toon = 3\n"),
            "server.toml:2: limits.max_toon: unknown key (did you mean \"limits.max_toons\"?)");
  EXPECT_EQ(Refusal("zzzzzzzzzzzz = 1\n"), "server.toml:1: zzzzzzzzzzzz: unknown key");
  EXPECT_EQ(Refusal("[webhook]\nurl=\"x\"\n"), "server.toml:1: webhook: unknown key (did you mean \"webhooks\"?)");
  EXPECT_EQ(Refusal("[processors.a]\ncommand=[\"x\"]\nmemry=1\n"),
            "server.toml:3: processors.a.memry: unknown key (did you mean \"memory\"?)");
}

TEST_F(ConfigTest, AWrongTypeNamesTheKeyAndWhatIsExpected) {
  EXPECT_EQ(Refusal("workers = \"3\"\n"), "server.toml:1: workers: a whole number is expected, not a string");
  EXPECT_EQ(Refusal("workers = 1.5\n"), "server.toml:1: workers: a whole number is expected, not a fraction");
  EXPECT_EQ(Refusal("listen = 8080\n"), "server.toml:1: listen: a string is expected, not a whole number");
  EXPECT_EQ(Refusal("allow_insecure_listen = \"true\"\n"),
            "server.toml:1: allow_insecure_listen: true or false is expected, not a string");
  EXPECT_THAT(Refusal("worker_idle = 10\n"), HasSubstr("worker_idle: a duration such as \"10s\""));
  EXPECT_EQ(Refusal("audiences = \"a\"\n"), "server.toml:1: audiences: a list of strings is expected, not a string");
  EXPECT_THAT(Refusal("audiences = [1]\n"), HasSubstr("server.toml:1: audiences: a plain value is expected"));
  EXPECT_THAT(Refusal("workers = {}\n"), HasSubstr("server.toml:1: workers: a plain value is expected, not a table"));
  EXPECT_THAT(Refusal("retention = 1979-05-27\n"), HasSubstr("not a date"));
  EXPECT_EQ(Refusal("limits = 3\n"), "server.toml:1: limits: [limits] is expected");
}

TEST_F(ConfigTest, TheMemoryBudgetIsASizeOrAWord) {
  EXPECT_EQ(LoadText("")->memory_budget, std::nullopt);
  EXPECT_EQ(LoadText("memory_budget = \"1GiB\"\n")->memory_budget, 1ULL << 30U);
  EXPECT_EQ(LoadText("memory_budget = \"off\"\n")->memory_budget, 0U);
  EXPECT_EQ(LoadText("memory_budget = \"off\"\n", {{"UBERTOONS_MEMORY_BUDGET", "auto"}})->memory_budget, std::nullopt);
  EXPECT_EQ(Refusal("memory_budget = \"63MiB\"\n"),
            "server.toml:1: memory_budget: at least 64MiB is expected, or \"auto\" or \"off\"");
  EXPECT_THAT(FlagRefusal({.memory_budget = "much"}), HasSubstr("--memory-budget: memory_budget: "));
}

TEST_F(ConfigTest, BadFlagsAndVariablesNameThemselves) {
  EXPECT_EQ(FlagRefusal({.listen = "nowhere"}),
            "--listen: listen: \"nowhere\" is not HOST:PORT, such as \"127.0.0.1:8080\" or \"[::1]:0\"");
  EXPECT_THAT(FlagRefusal({.workers = -1}), HasSubstr("--workers: workers: -1 is not in 0..1024"));
  EXPECT_THAT(FlagRefusal({}, {{"UBERTOONS_WORKERS", "3x"}}), HasSubstr("UBERTOONS_WORKERS: workers: a whole number"));
  EXPECT_THAT(FlagRefusal({.log_level = "wran"}), HasSubstr("did you mean \"warn\""));
}

TEST_F(ConfigTest, LimitsGoOnlyDown) {
  const auto config = LoadText("[limits]\nmax_body_bytes = \"64KiB\"\nmax_toons = 10\n");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->limits.max_body_bytes, 65536U);
  EXPECT_EQ(Refusal("[limits]\nmax_toons = 1000001\n"),
            "server.toml:2: limits.max_toons: 1000001 is above the built-in limit 1000000: limits go only down");
  EXPECT_THAT(Refusal("[limits]\nmax_body_bytes = \"257MiB\"\n"),
              AllOf(HasSubstr("269484032"), HasSubstr("268435456")));
  EXPECT_THAT(Refusal("[limits]\nmax_toons = 0\n"), HasSubstr("at least 1"));
  EXPECT_THAT(Refusal("[limits]\nmax_toons = -5\n"), HasSubstr("-5 is not in"));
}

TEST_F(ConfigTest, HttpSettingsAreReadAndBounded) {
  const auto config = LoadText(
      "data = \"/d\"\n[http]\nmax_connections = 100\nmax_connections_per_address = 5\nmax_transfer_bytes = \"16MiB\"\n"
      "header_timeout = \"2s\"\nidle_timeout = \"3s\"\nbody_timeout = \"4s\"\nmin_body_rate = \"1KB\"\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->http.max_connections, 100U);
  EXPECT_EQ(config->http.max_connections_per_address, 5U);
  EXPECT_EQ(config->http.max_transfer_bytes, 16U << 20U);
  EXPECT_EQ(config->http.header_timeout, std::chrono::seconds(2));
  EXPECT_EQ(config->http.idle_timeout, std::chrono::seconds(3));
  EXPECT_EQ(config->http.body_timeout, std::chrono::seconds(4));
  EXPECT_EQ(config->http.min_body_rate, 1000U);
  for (const char* bad : {"max_connections = 1", "max_transfer_bytes = 1000", "body_timeout = \"2h\"",
                          "min_body_rate = \"1GB\"", "header_timeout = \"0s\"", "max_conections = 5"}) {
    EXPECT_FALSE(LoadText("data = \"/d\"\n[http]\n" + std::string(bad) + "\n")) << bad;
  }
}

TEST_F(ConfigTest, ATenantsBacklogIsNotAboveEverybodys) {
  EXPECT_THAT(Refusal("[limits]\nmax_pending_toons = 10\nmax_pending_toons_per_tenant = 11\n"),
              HasSubstr("limits.max_pending_toons_per_tenant: it is above"));
  EXPECT_EQ(Refusal("[limits]\nmax_pending_toons = 10\n"), "accepted");
}

TEST_F(ConfigTest, AnOpenAddressNeedsTlsOrAnExplicitWord) {
  EXPECT_THAT(FlagRefusal({.listen = "0.0.0.0:80"}), HasSubstr("allow_insecure_listen"));
  EXPECT_THAT(FlagRefusal({.listen = "[::]:80"}), HasSubstr("allow_insecure_listen"));
  EXPECT_THAT(FlagRefusal({.listen = "example.com:80"}), HasSubstr("allow_insecure_listen"));
  EXPECT_EQ(FlagRefusal({.listen = "0.0.0.0:80", .allow_insecure_listen = true}), "accepted");
  EXPECT_EQ(FlagRefusal({.listen = "0.0.0.0:80", .tls_cert = "c", .tls_key = "k"}), "accepted");
  for (const char* loopback : {"127.0.0.1:0", "127.9.9.9:1", "[::1]:0", "localhost:8080"}) {
    EXPECT_EQ(FlagRefusal({.listen = loopback}), "accepted") << loopback;
  }
}

TEST_F(ConfigTest, CertificateAndKeyGoTogether) {
  EXPECT_THAT(FlagRefusal({.tls_cert = "c"}), HasSubstr("tls_key: tls_cert and tls_key"));
  EXPECT_THAT(FlagRefusal({.tls_key = "k"}), HasSubstr("tls_cert: tls_cert and tls_key"));
}

TEST_F(ConfigTest, KeysAreFetchedOverHttpsUnlessFromThisMachine) {
  EXPECT_THAT(FlagRefusal({.issuer = "http://issuer.example"}), HasSubstr("https only"));
  EXPECT_THAT(FlagRefusal({.issuer = "http://127.0.0.1@evil.example/"}), HasSubstr("https only"));
  EXPECT_THAT(FlagRefusal({.issuer = "https://a", .jwks_url = "http://b"}), HasSubstr("jwks_url: keys"));
  EXPECT_EQ(FlagRefusal({.issuer = "http://127.0.0.1:99"}), "accepted");
  EXPECT_EQ(FlagRefusal({.issuer = "https://issuer.example"}), "accepted");
  EXPECT_THAT(FlagRefusal({.issuer = "issuer.example"}), HasSubstr("an http or https URL"));
  EXPECT_THAT(FlagRefusal({.jwks_url = "https://a"}), HasSubstr("needs an issuer"));
}

TEST_F(ConfigTest, ProcessorsAreRead) {
  const auto config = LoadText(R"([processors.word-cloud]
command = ["python3", "-u", "w.py"]
handler = "w.handle"
environment = { TZ = "UTC" }
max_workers = 3
timeout = "2m"
memory = "1GiB"
version = "7"
)");
  ASSERT_TRUE(config) << config.error().message;
  const CustomProcessor& processor = config->processors.at(0);
  EXPECT_THAT(processor.command, ElementsAre("python3", "-u", "w.py"));
  EXPECT_EQ(processor.handler, "w.handle");
  EXPECT_EQ(processor.environment.at("TZ"), "UTC");
  EXPECT_EQ(processor.max_workers, 3);
  EXPECT_EQ(processor.timeout, std::chrono::minutes(2));
  EXPECT_EQ(processor.memory_mb, 1024U);
  EXPECT_EQ(processor.version, "7");
}

TEST_F(ConfigTest, BadProcessorsAreRefused) {
  EXPECT_EQ(Refusal("[processors.image]\ncommand=[\"x\"]\n"),
            "server.toml:1: processors.image: \"image\" is a built-in type");
  EXPECT_THAT(Refusal("[processors.media]\ncommand=[\"x\"]\n"), HasSubstr("built-in work class"));
  EXPECT_THAT(Refusal("[processors.Bad]\ncommand=[\"x\"]\n"), HasSubstr("processors.Bad: a type's name"));
  EXPECT_THAT(Refusal("[processors.a]\nhandler=\"x\"\n"), HasSubstr("processors.a.command: this key is needed"));
  EXPECT_THAT(Refusal("[processors.a]\ncommand=[]\n"), HasSubstr("processors.a.command: a program"));
  EXPECT_THAT(Refusal("[processors.a]\ncommand=\"x\"\n"), HasSubstr("processors.a.command: a list of strings"));
  EXPECT_THAT(Refusal("[processors.a]\ncommand=[\"x\"]\nmax_workers=0\n"), HasSubstr("processors.a.max_workers: 0"));
  EXPECT_THAT(Refusal("[processors.a]\ncommand=[\"x\"]\nenvironment={AWS_LAMBDA_RUNTIME_API=\"y\"}\n"),
              HasSubstr("set by the server"));
  EXPECT_THAT(Refusal("[processors.a]\ncommand=[\"x\"]\nenvironment={A=1}\n"),
              HasSubstr("server.toml:3: processors.a.environment.A: a string"));
  EXPECT_THAT(Refusal("[processors]\na = 1\n"), HasSubstr("processors.a: a table"));
}

TEST_F(ConfigTest, WebhooksAreReadAndRefused) {
  const auto config = LoadText(
      "[[webhooks]]\nurl=\"http://127.0.0.1:1/x\"\nsecret=\"0123456789abcdef\"\nevents=[\"JobFailed\"]\n"
      "[[webhooks]]\nurl=\"https://b\"\nsecret=\"0123456789abcdef\"\n");
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->webhooks.size(), 2U);
  EXPECT_THAT(config->webhooks[0].events, ElementsAre("JobFailed"));
  EXPECT_THAT(Refusal("[[webhooks]]\nurl=\"https://b\"\n"), HasSubstr("webhooks.0.secret: this key is needed"));
  EXPECT_THAT(Refusal("[[webhooks]]\nurl=\"https://b\"\nsecret=\"short\"\n"), HasSubstr("at least 16"));
  EXPECT_THAT(Refusal("[[webhooks]]\nurl=\"ftp://b\"\n"), HasSubstr("server.toml:2: webhooks.0.url: an http"));
  EXPECT_THAT(Refusal("[[webhooks]]\nurl=\"https://b\"\nsecret=\"0123456789abcdef\"\nevents=[\"JobFail\"]\n"),
              HasSubstr("did you mean \"JobFailed\""));
  EXPECT_THAT(Refusal("webhooks = 1\n"), HasSubstr("[[webhooks]] is expected"));
}

TEST_F(ConfigTest, BrokenTomlIsRefusedWithItsLine) {
  EXPECT_THAT(Refusal("workers = 1\nlisten = \n"), HasSubstr("server.toml:2:"));
  EXPECT_THAT(Refusal("workers = 1\nworkers = 2\n"), HasSubstr("server.toml:2:"));
  EXPECT_THAT(Refusal(std::string(100'000, '[')), HasSubstr("server.toml:1:"));
  EXPECT_THAT(Refusal("a = " + std::string(100'000, '[')), HasSubstr("server.toml:1:"));
  EXPECT_THAT(Refusal("listen = \"\xff\"\n"), HasSubstr("server.toml:1:"));
}

TEST_F(ConfigTest, AFileThatIsAbsentOrHugeIsRefused) {
  const auto absent = Load(Flags{.data = "/d", .config_file = dir_ + "/none.toml"}, {});
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, base::Code::kUnavailable);
  EXPECT_THAT(absent.error().message, HasSubstr("none.toml: No such file"));
  const auto huge = Load(Flags{.data = "/d", .config_file = File(std::string((1U << 20U) + 1, '#'))}, {});
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().code, base::Code::kTooLarge);
  EXPECT_FALSE(Load(Flags{.data = "/d", .config_file = dir_}, {}));
}

TEST_F(ConfigTest, ARefusalPointsAtItsKey) {
  const auto config = LoadText("[limits]\nmax_toons = \"x\"\n");
  ASSERT_FALSE(config);
  ASSERT_EQ(config.error().fields.size(), 1U);
  EXPECT_EQ(config.error().fields[0].pointer, "/limits/max_toons");
}

TEST(Units, DurationsAreReadStrictly) {
  EXPECT_EQ(ParseDuration("10s").value(), std::chrono::seconds(10));
  EXPECT_EQ(ParseDuration("5m").value(), std::chrono::minutes(5));
  EXPECT_EQ(ParseDuration("2h").value(), std::chrono::hours(2));
  EXPECT_EQ(ParseDuration("30d").value(), std::chrono::hours(720));
  for (const char* bad : {"", "s", "10", "-1s", "1.5h", " 1s", "1s ", "1w", "1ms", "99999999999999999999s", "36501d"}) {
    EXPECT_FALSE(ParseDuration(bad)) << bad;
  }
}

TEST(Units, SizesAreReadStrictly) {
  EXPECT_EQ(ParseSize("0").value(), 0U);
  EXPECT_EQ(ParseSize("12B").value(), 12U);
  EXPECT_EQ(ParseSize("256MB").value(), 256'000'000U);
  EXPECT_EQ(ParseSize("64KiB").value(), 65536U);
  EXPECT_EQ(ParseSize("2TiB").value(), 2ULL << 40U);
  for (const char* bad : {"", "MB", "-1", "1.5MB", "1mb", "1 MB", "9999999999TiB", "18446744073709551616"}) {
    EXPECT_FALSE(ParseSize(bad)) << bad;
  }
}

TEST(Units, AddressesAreReadStrictly) {
  EXPECT_EQ(ParseAddress("127.0.0.1:8080").value(), (Address{"127.0.0.1", 8080}));
  EXPECT_EQ(ParseAddress("[::1]:0").value(), (Address{"::1", 0}));
  EXPECT_EQ(ParseAddress("host.example:1").value(), (Address{"host.example", 1}));
  for (const char* bad : {"", ":80", "host", "host:", "host:65536", "host:-1", "::1:80", "[::1]", "[nope]:1", "a b:1",
                          "h:1x", "http://h:1"}) {
    EXPECT_FALSE(ParseAddress(bad)) << bad;
  }
}

}  // namespace
}  // namespace config
