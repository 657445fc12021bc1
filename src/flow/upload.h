// Bytes that come before the job that names them: a promise (POST /uploads), then the bytes (PUT to the signed URL).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "flow/context.h"

namespace flow {

struct UploadRequest {
  job::TenantId tenant;
  base::Sha256 sha256{};
  std::uint64_t bytes = 0;
  std::string content_type = "application/octet-stream";
  std::chrono::seconds ttl{3600};
};

class Upload {
 public:
  explicit Upload(Context& context) : context_(context) {}
  // Remembers the promise. kTooLarge over max_referenced_bytes (manifests: max_manifest_bytes; the larger counts here).
  [[nodiscard]] base::Result<ports::UploadRecord> Promise(const UploadRequest& request);

  class Receiving {
   public:
    virtual ~Receiving() = default;
    [[nodiscard]] virtual base::Status Write(std::string_view piece) = 0;  // kTooLarge past the promised length
    // kInvalid "length-mismatch" / "checksum-mismatch": nothing is stored. Durable when OK. Repeating it is harmless.
    [[nodiscard]] virtual base::Status Finish() = 0;
  };
  // kNotFound if no such promise.
  [[nodiscard]] base::Result<std::unique_ptr<Receiving>> Receive(const job::TenantId& tenant,
                                                                 const base::Sha256& sha256);

 private:
  Context& context_;
};

}  // namespace flow
