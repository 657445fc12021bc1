#include "flow/upload.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace flow {

namespace {

class Storing final : public Upload::Receiving {
 public:
  Storing(Context& context, ports::UploadRecord promise, std::unique_ptr<ports::BlobWriter> writer)
      : context_(context), promise_(std::move(promise)), writer_(std::move(writer)) {}

  base::Status Write(std::string_view piece) override {
    if (received_ + piece.size() > promise_.bytes) {
      return base::Fail(base::Code::kTooLarge, fmt::format("the URL was signed for {} bytes", promise_.bytes),
                        "length-mismatch");
    }
    received_ += piece.size();
    hash_.Update(piece);
    return writer_->Append(piece);
  }

  base::Status Finish() override {
    if (received_ != promise_.bytes) {
      return base::Fail(base::Code::kInvalid,
                        fmt::format("{} bytes came, the URL was signed for {}", received_, promise_.bytes),
                        "length-mismatch");
    }
    if (hash_.Finish() != promise_.sha256) {
      return base::Fail(base::Code::kInvalid, "the bytes have another SHA-256 than the URL was signed for",
                        "checksum-mismatch");
    }
    UT_TRY(writer_->Commit(ports::ContentKey(promise_.tenant, promise_.sha256)));
    promise_.complete = true;
    return context_.references.PutUpload(promise_);
  }

 private:
  Context& context_;
  ports::UploadRecord promise_;
  std::unique_ptr<ports::BlobWriter> writer_;
  base::Sha256Stream hash_;
  std::uint64_t received_ = 0;
};

}  // namespace

base::Result<ports::UploadRecord> Upload::Promise(const UploadRequest& request) {
  const std::uint64_t most = std::max(context_.limits.max_referenced_bytes, context_.limits.max_manifest_bytes);
  if (request.bytes > most) {
    return base::Fail(base::Code::kTooLarge,
                      fmt::format("{} bytes, {} may be (maxManifestBytes)", request.bytes, most));
  }
  UT_TRY_ASSIGN(const auto earlier, context_.references.GetUpload(request.tenant, request.sha256));
  ports::UploadRecord record{.tenant = request.tenant,
                             .sha256 = request.sha256,
                             .bytes = request.bytes,
                             .content_type = request.content_type,
                             .expires_at = context_.clock.Now() + request.ttl,
                             .complete = earlier && earlier->complete && earlier->bytes == request.bytes};
  UT_TRY(context_.references.PutUpload(record));
  return record;
}

base::Result<std::unique_ptr<Upload::Receiving>> Upload::Receive(const job::TenantId& tenant,
                                                                 const base::Sha256& sha256) {
  UT_TRY_ASSIGN(auto promise, context_.references.GetUpload(tenant, sha256));
  if (!promise) return base::Fail(base::Code::kNotFound, "no such upload was announced");
  UT_TRY_ASSIGN(auto writer, context_.blobs.NewWriter());
  return std::make_unique<Storing>(context_, std::move(*promise), std::move(writer));
}

}  // namespace flow
