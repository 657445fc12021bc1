// Every route once: the table that the API serves from, and that the tests hold against openapi.json.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "auth/auth.h"

namespace api {

enum class Operation : std::uint8_t {
  kSubmit,
  kPromiseUpload,
  kReceiveUpload,
  kReadContent,
  kStoreContent,
  kListJobs,
  kReadJob,
  kWatchJob,
  kCancelJob,
  kRetryJob,
  kListResults,
  kReadArtifact,
  kListQuarantine,
  kReleaseQuarantined,
  kBeginBackup,
  kRenewBackup,
  kEndBackup,
  kOpenApi,
  kHealth,
  kReady,
  kMetrics,
  kJwks,
};

enum class Access : std::uint8_t {
  kPublic,   // anybody
  kBearer,   // an identity with at least `role`
  kSigned,   // the URL carries its own permission
  kMetrics,  // anybody on this machine, else an admin
};

struct Route {
  std::string_view method;
  std::string_view path;  // at most one "{…}" segment
  Operation operation;
  Access access;
  auth::Role role = auth::Role::kNone;  // of kBearer
};
[[nodiscard]] std::span<const Route> Routes();

// A path split into stage prefix ("" or "/prod") and the rest. Any first segment that no route begins with is a stage,
// if it is made of the characters that a stage's name may have and something follows.
struct StagedPath {
  std::string prefix;
  std::string path;
};
[[nodiscard]] StagedPath SplitStage(std::string_view path);

struct Match {
  const Route* route = nullptr;  // nullptr: no such path, or not with this method
  std::string argument;          // what stands for the "{…}" segment
  std::string allow;             // the path's methods, for 405; empty: no such path
};
[[nodiscard]] Match FindRoute(std::string_view method, std::string_view path);

}  // namespace api
