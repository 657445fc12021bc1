#include "store/ordered_files.h"

#include <rocksdb/file_system.h>

#include <string>

namespace store {

namespace {

class OrderedFiles final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  [[nodiscard]] const char* Name() const override { return "OrderedFiles"; }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    if (to.ends_with("/CURRENT")) {
      std::unique_ptr<rocksdb::FSDirectory> folder;
      rocksdb::IOStatus status = target()->NewDirectory(to.substr(0, to.rfind('/')), options, &folder, context);
      // With no reason given it syncs on Btrfs too, where RocksDB leaves some syncs out.
      if (status.ok()) status = folder->FsyncWithDirOptions(options, context, rocksdb::DirFsyncOptions());
      if (!status.ok()) return status;
    }
    return target()->RenameFile(from, to, options, context);
  }
};

}  // namespace

std::unique_ptr<rocksdb::Env> NewOrderedEnv(rocksdb::Env* env) {
  if (env == nullptr) env = rocksdb::Env::Default();
  return rocksdb::NewCompositeEnv(std::make_shared<OrderedFiles>(env->GetFileSystem()));
}

}  // namespace store
