// DynamoDB, as a moto server plays it.
#include "aws/dynamo_store.h"
#include "aws/moto.h"
#include "aws/table.h"
#include "contract/home_of.h"

namespace contract {

namespace {

class DynamoHome final : public HomeOf<aws::DynamoStore> {
 public:
  DynamoHome() { Reopen(); }
  void Reopen() override {
    const aws::DynamoStore::Parts parts{
        .caller = moto_.caller(), .random = moto_.random(), .clock = moto_.clock(), .pause = pause_, .merger = merger_};
    store_ = std::make_unique<aws::DynamoStore>(parts, aws::DynamoStoreOptions{.table = table_.name()});
  }

 private:
  aws::DynamoStore& store() override { return *store_; }
  aws::testing::Moto moto_;
  aws::testing::Table table_{moto_};
  aws::SystemPause pause_;
  std::unique_ptr<aws::DynamoStore> store_;
};

}  // namespace

const std::vector<StoreParam>& StoreParams() {
  static const std::vector<StoreParam> kParams{
      {.name = "Dynamo", .make = [] { return std::unique_ptr<Home>(std::make_unique<DynamoHome>()); }}};
  return kParams;
}

}  // namespace contract
