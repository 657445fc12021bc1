#include "api/routes.h"

#include <algorithm>

namespace api {

namespace {

using auth::Role;

constexpr Route kRoutes[] = {
    {"POST", "/submit-job", Operation::kSubmit, Access::kBearer, Role::kOperator},
    {"POST", "/uploads", Operation::kPromiseUpload, Access::kBearer, Role::kOperator},
    {"PUT", "/blobs/uploads/{sha256}", Operation::kReceiveUpload, Access::kSigned},
    {"GET", "/blobs/content/{sha256}", Operation::kReadContent, Access::kSigned},
    {"PUT", "/blobs/artifacts", Operation::kStoreContent, Access::kSigned},
    {"GET", "/jobs", Operation::kListJobs, Access::kBearer, Role::kViewer},
    {"GET", "/jobs/{jobId}", Operation::kReadJob, Access::kBearer, Role::kViewer},
    {"GET", "/jobs/{jobId}/events", Operation::kWatchJob, Access::kBearer, Role::kViewer},
    {"POST", "/jobs/{jobId}/cancel", Operation::kCancelJob, Access::kBearer, Role::kOperator},
    {"POST", "/jobs/{jobId}/retry", Operation::kRetryJob, Access::kBearer, Role::kOperator},
    {"GET", "/results", Operation::kListResults, Access::kBearer, Role::kViewer},
    {"GET", "/artifacts/{sha256}", Operation::kReadArtifact, Access::kBearer, Role::kViewer},
    {"GET", "/quarantine", Operation::kListQuarantine, Access::kBearer, Role::kViewer},
    {"DELETE", "/quarantine/{sha256}", Operation::kReleaseQuarantined, Access::kBearer, Role::kOperator},
    {"POST", "/backups", Operation::kBeginBackup, Access::kSigned},
    {"PUT", "/backups/{id}", Operation::kRenewBackup, Access::kSigned},
    {"DELETE", "/backups/{id}", Operation::kEndBackup, Access::kSigned},
    {"GET", "/openapi.json", Operation::kOpenApi, Access::kPublic},
    {"GET", "/healthz", Operation::kHealth, Access::kPublic},
    {"GET", "/readyz", Operation::kReady, Access::kPublic},
    {"GET", "/metrics", Operation::kMetrics, Access::kMetrics},
    {"GET", "/.well-known/jwks.json", Operation::kJwks, Access::kPublic},
};

// The next segment of a path "/a/b", taken off its front.
std::string_view TakeSegment(std::string_view& path) {
  path.remove_prefix(1);
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

bool Matches(std::string_view pattern, std::string_view path, std::string& argument) {
  while (pattern.starts_with('/') && path.starts_with('/')) {
    const std::string_view expected = TakeSegment(pattern);
    const std::string_view actual = TakeSegment(path);
    if (expected.starts_with('{')) {
      if (actual.empty()) return false;
      argument = actual;
    } else if (expected != actual) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

bool BeginsARoute(std::string_view segment) {
  return std::ranges::any_of(kRoutes, [&](const Route& route) {
    std::string_view path = route.path;
    return TakeSegment(path) == segment;
  });
}

// It is repeated in links and headers, so nothing that could break out of them.
bool IsStageName(std::string_view segment) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '$';
  };
  return !segment.empty() && segment.size() <= 128 && !segment.starts_with('.') && std::ranges::all_of(segment, good);
}

}  // namespace

std::span<const Route> Routes() {
  return kRoutes;
}

StagedPath SplitStage(std::string_view path) {
  if (path.starts_with('/')) {
    std::string_view rest = path;
    const std::string_view first = TakeSegment(rest);
    if (!rest.empty() && !BeginsARoute(first) && IsStageName(first)) {
      return {.prefix = "/" + std::string(first), .path = std::string(rest)};
    }
  }
  return {.prefix = "", .path = std::string(path)};
}

Match FindRoute(std::string_view method, std::string_view path) {
  Match match;
  for (const Route& route : kRoutes) {
    std::string argument;
    if (!Matches(route.path, path, argument)) continue;
    if (route.method == method) return {.route = &route, .argument = std::move(argument), .allow = ""};
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += route.method;
  }
  return match;
}

}  // namespace api
