// All settings of `ubertoons serve`: flags over environment (UBERTOONS_…) over TOML. Parsed once; unknown keys are
// fatal.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "job/limits.h"

namespace config {

// [processors.my-type] command = ["python3", "…"]: any program that speaks the Lambda Runtime API.
struct CustomProcessor {
  std::string type;  // a new toon type; never one of the built-in ones
  std::vector<std::string> command;
  std::string handler = "handler";  // passed as _HANDLER
  std::map<std::string, std::string> environment;
  int max_workers = 1;
  std::chrono::seconds timeout{60};
  std::uint64_t memory_mb = 512;  // RLIMIT_AS is not set on interpreters; RSS is watched
  std::string version = "1";      // part of the reuse key: raise it when results change
};

// How strictly media executors are held; see sandbox/limits.h. kStrict: no media work where seccomp is refused.
enum class Isolation : std::uint8_t { kStrict, kContained };
inline constexpr std::string_view kIsolationNames[] = {"strict", "contained"};

struct Webhook {
  std::string url;
  std::string secret;               // HMAC-SHA256 of the body, header X-Ubertoons-Signature
  std::vector<std::string> events;  // empty: all
};

// What clients may take of the API's server; see http/server.h for what each does.
struct HttpSettings {
  std::uint64_t max_connections = 20'000;  // and no more than the open-files limit allows
  std::uint64_t max_connections_per_address = 0;
  std::uint64_t max_transfer_bytes = 512ULL << 20U;
  std::chrono::seconds header_timeout{10};
  std::chrono::seconds idle_timeout{60};
  std::chrono::seconds body_timeout{30};
  std::uint64_t min_body_rate = 256;  // bytes per second
};

struct Config {
  std::string data_dir;
  std::string listen_host = "127.0.0.1";
  std::uint16_t listen_port = 8080;
  bool allow_insecure_listen = false;  // a non-loopback address without TLS
  std::string tls_cert;
  std::string tls_key;
  std::string public_url;                // how clients reach us, for signed URLs; empty: from the Host header
  std::string worker_command;            // ubertoons-worker; empty: beside the server's own binary
  int max_workers = 0;                   // 0: one per core and one more, since each waits for the disk at times
  std::chrono::seconds worker_idle{10};  // an idle worker is stopped after so long
  std::chrono::seconds worker_max_age{3600};
  std::uint64_t worker_max_rss_mb = 512;
  std::chrono::seconds chunk_timeout{60};
  // Bytes that workers and executors share; absent: from the machine; 0: nobody counts.
  std::optional<std::uint64_t> memory_budget;
  Isolation isolation = Isolation::kStrict;

  std::string issuer;    // empty: our own
  std::string jwks_url;  // empty: issuer + "/.well-known/jwks.json"
  std::vector<std::string> audiences;
  std::string tenant_claim = "sub";
  std::string roles_claim = "cognito:groups";

  std::optional<std::chrono::seconds> retention = std::chrono::hours(24 * 30);
  std::chrono::seconds upload_ttl{3600};
  base::LogLevel log_level = base::LogLevel::kInfo;
  job::Limits limits;
  HttpSettings http;
  std::vector<CustomProcessor> processors;
  std::vector<Webhook> webhooks;
};

// Reads file (empty: none), then environment, then flags ("--listen" …; see Flags). kInvalid names the key and, for a
// file, the line.
struct Flags {
  std::optional<std::string> data, listen, config_file, tls_cert, tls_key, issuer, jwks_url, public_url, log_level,
      worker_command, isolation, memory_budget;
  std::optional<int> workers;
  bool allow_insecure_listen = false;
};
[[nodiscard]] base::Result<Config> Load(const Flags& flags, const std::map<std::string, std::string>& environment);

}  // namespace config
