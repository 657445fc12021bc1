// The homes themselves: no tests of its own.
#include "contract/homes.h"

#include <stdexcept>

#include "contract/home_of.h"
#include "contract/temp_dir.h"
#include "fakes/store.h"
#include "store/store.h"

namespace contract {

namespace {

class FakeHome final : public HomeOf<fakes::FakeStore> {
 public:
  void Reopen() override {}

 private:
  fakes::FakeStore& store() override { return store_; }
  fakes::FakeStore store_{merger_};
};

class RocksHome final : public HomeOf<store::RocksStore> {
 public:
  RocksHome() { Open(); }
  void Reopen() override {
    store_.reset();
    Open();
  }

 private:
  store::RocksStore& store() override { return *store_; }
  void Open() {
    constexpr std::size_t kSmall = 1U << 20U;  // so that tests flush and evict
    auto opened = store::Open(
        dir_.path() + "/db",
        {.merger = &merger_, .write_buffer_bytes = kSmall, .block_cache_bytes = kSmall, .hot_job_bytes = 16U << 10U});
    if (!opened) throw std::runtime_error(opened.error().message);
    store_ = std::move(*opened);
  }
  TempDir dir_;
  std::unique_ptr<store::RocksStore> store_;
};

}  // namespace

const std::vector<StoreParam>& StoreParams() {
  static const std::vector<StoreParam> kParams{
      {.name = "Fake", .make = [] { return std::unique_ptr<Home>(std::make_unique<FakeHome>()); }},
      {.name = "Rocks", .make = [] { return std::unique_ptr<Home>(std::make_unique<RocksHome>()); }},
  };
  return kParams;
}

}  // namespace contract
