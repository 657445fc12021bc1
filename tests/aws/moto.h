// The moto server that ctest started (see CMakeLists.txt), and a caller that reaches it.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "aws/call.h"
#include "base/clock.h"
#include "base/random.h"

namespace aws::testing {

// The first line of a file that moto_server.py wrote. Throws where there is none.
inline std::string MotoFile(const std::string& name) {
  const char* folder = std::getenv("UBERTOONS_MOTO");
  std::ifstream in(folder == nullptr ? "" : std::string(folder) + "/" + name);
  std::string line;
  if (!std::getline(in, line)) {
    throw std::runtime_error(
        "UBERTOONS_MOTO is not the folder of a moto server: run this by ctest, or start one with "
        "tests/aws/moto_server.py");
  }
  return line;
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
  // What boto3 says: the output of this Python, in which c("sqs") is a client.
  [[nodiscard]] std::string Boto(const std::string& code) const {
    std::string program =
        "import boto3, json\nc = lambda s: boto3.client(s, endpoint_url=\"" + url_ +
        "\", region_name=\"eu-west-1\", aws_access_key_id=\"test\", aws_secret_access_key=\"test\")\n" + code;
    if (program.find('\'') != std::string::npos) throw std::runtime_error("no single quotes");
    const std::string command = "'" + MotoFile("python") + "' -c '" + program + "'";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    if (!pipe) throw std::runtime_error("popen failed");
    std::string out;
    for (int c = 0; (c = std::fgetc(pipe.get())) != EOF;) out += static_cast<char>(c);
    while (out.ends_with('\n')) out.pop_back();
    return out;
  }
  http::ClientResponse Must(const Call& call) {
    auto response = caller_.Send(call);
    if (!response) throw std::runtime_error(response.error().message);
    return std::move(*response);
  }

 private:
  std::string url_ = MotoFile("endpoint");
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
