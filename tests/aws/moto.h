// The moto server that ctest started (see CMakeLists.txt), and a caller that reaches it.
#pragma once

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "aws/call.h"
#include "base/clock.h"
#include "base/random.h"

namespace aws::testing {

inline std::string MotoEndpoint() {
  const char* file = std::getenv("UBERTOONS_MOTO");
  std::ifstream in(file == nullptr ? "" : file);
  std::string url;
  if (!std::getline(in, url)) {
    throw std::runtime_error(
        "UBERTOONS_MOTO names no file with the URL of a moto server: run this by ctest, or start one with "
        "tests/aws/moto_server.py");
  }
  return url;
}

class Moto {
 public:
  [[nodiscard]] Caller& caller() { return caller_; }
  [[nodiscard]] base::Random& random() { return random_; }
  [[nodiscard]] const base::Clock& clock() const { return clock_; }
  [[nodiscard]] const RequestCounts& counts() const { return counts_; }
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::string NewName(const std::string& prefix) { return prefix + random_.Hex(8); }
  // A bucket of its own, with versions.
  [[nodiscard]] std::string NewBucket() {
    std::string bucket = NewName("ubertoons-");
    Must({.service = Service::kS3,
          .operation = "CreateBucket",
          .method = "PUT",
          .host_label = bucket,
          .body = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>"
                  "</CreateBucketConfiguration>"});
    Must({.service = Service::kS3,
          .operation = "PutBucketVersioning",
          .method = "PUT",
          .host_label = bucket,
          .query = {{"versioning", ""}},
          .body = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"});
    return bucket;
  }
  http::ClientResponse Must(const Call& call) {
    auto response = caller_.Send(call);
    if (!response) throw std::runtime_error(response.error().message);
    return std::move(*response);
  }

 private:
  std::string url_ = MotoEndpoint();
  base::SystemClock clock_;
  base::SystemRandom random_;
  SystemPause pause_;
  PooledTransport transport_;
  FixedCredentials credentials_{{.access_key_id = "test", .secret_access_key = "test"}};
  RequestCounts counts_;
  Caller caller_{{.transport = transport_,
                  .credentials = credentials_,
                  .clock = clock_,
                  .random = random_,
                  .pause = pause_,
                  .on_try = [this](const TryNote& note) { counts_.Add(note.service); }},
                 {.region = "eu-west-1", .endpoint_url = url_}};
};

}  // namespace aws::testing
