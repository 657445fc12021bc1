// S3, as a moto server plays it.
#include "aws/moto.h"
#include "aws/s3_blobs.h"
#include "contract/blob_homes.h"

namespace contract {

namespace {

// The store with everything it stands on.
class S3Home final : public ports::BlobStore {
 public:
  explicit S3Home(std::string prefix)
      : store_(aws::OpenS3Blobs(moto_.caller(), moto_.random(),
                                {.bucket = moto_.NewBucket(), .prefix = std::move(prefix)})) {}
  base::Result<std::unique_ptr<ports::BlobWriter>> NewWriter() override { return store_->NewWriter(); }
  base::Status Put(const std::vector<ports::BlobToPut>& blobs) override { return store_->Put(blobs); }
  base::Status Read(std::string_view key, std::uint64_t offset, std::uint64_t length, std::string& out) override {
    return store_->Read(key, offset, length, out);
  }
  base::Result<std::optional<std::uint64_t>> Size(std::string_view key) override { return store_->Size(key); }
  base::Status Remove(std::string_view key) override { return store_->Remove(key); }
  base::Result<ports::Removal> RemoveUnlessWritten(const ports::BlobEntry& listed) override {
    return store_->RemoveUnlessWritten(listed);
  }
  base::Result<std::vector<ports::BlobEntry>> List(std::string& cursor, std::size_t limit) override {
    return store_->List(cursor, limit);
  }

 private:
  aws::testing::Moto moto_;
  std::unique_ptr<ports::BlobStore> store_;
};

std::unique_ptr<ports::BlobStore> OpenS3(const std::string& /*dir*/) {
  return std::make_unique<S3Home>("");
}
std::unique_ptr<ports::BlobStore> OpenS3Below(const std::string& /*dir*/) {
  return std::make_unique<S3Home>("some/where/");
}

}  // namespace

const std::vector<BlobParam>& BlobParams() {
  static const std::vector<BlobParam> kParams{{.name = "S3", .open = OpenS3}, {.name = "S3Below", .open = OpenS3Below}};
  return kParams;
}

}  // namespace contract
