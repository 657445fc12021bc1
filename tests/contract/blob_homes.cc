#include "contract/blob_homes.h"

#include <stdexcept>

#include "fakes/blobs.h"
#include "local/file_blobs.h"

namespace contract {

namespace {

std::unique_ptr<ports::BlobStore> OpenFiles(const std::string& dir) {
  auto store = local::OpenFileBlobs(dir + "/blobs");
  if (!store) throw std::runtime_error(store.error().message);
  return std::move(*store);
}
std::unique_ptr<ports::BlobStore> OpenFake(const std::string& /*dir*/) {
  return std::make_unique<fakes::FakeBlobStore>();
}

}  // namespace

const std::vector<BlobParam>& BlobParams() {
  static const std::vector<BlobParam> kParams{{.name = "Fake", .open = OpenFake}, {.name = "Files", .open = OpenFiles}};
  return kParams;
}

}  // namespace contract
