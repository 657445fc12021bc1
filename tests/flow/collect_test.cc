// The collector beside work that goes on: what is wanted again between its look and its removal stays.
#include "flow/collect.h"

#include "harness.h"

namespace flow {
namespace {

struct CollectBesideWork : testing::Test {
  CollectBesideWork() { home.RunAll(); }
  Harness home{StoreKind::kFake};
};

TEST_F(CollectBesideWork, BytesPutAgainAfterTheyWereLookedUpStay) {
  const std::string key = ports::ContentKey(job::TenantId("acme"), base::Sha256Of("made again"));
  home.blobs.Plant(key, "made again");
  home.clock.Advance(std::chrono::hours(2));
  int reads = 0;
  home.fake.read_fault.Ask([&] {
    if (++reads == 2) {  // the expired jobs, then, after the listing of the blobs, this one's references
      EXPECT_TRUE(home.blobs.Put({{.key = key, .bytes = "made again"}}).has_value());
    }
    return false;
  });
  Collect collect(*home.context, std::nullopt);
  EXPECT_EQ(collect.Run()->blobs, 0U);
  EXPECT_EQ(reads, 2);
  EXPECT_TRUE(home.blobs.Size(key)->has_value());
  home.clock.Advance(std::chrono::hours(2));
  EXPECT_EQ(collect.Run()->blobs, 1U);
}

TEST_F(CollectBesideWork, AJobThatIsRetriedWhenItsRetentionEndsIsNotForgotten) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 3, R"("retentionSeconds":60,)")).has_value());
  Control control(*home.context, *home.fan_out);
  ASSERT_TRUE(control.Cancel(Harness::Key("j")).has_value());
  home.clock.Advance(std::chrono::hours(2));
  int writes = 0;
  home.fake.commit_fault.Ask([&] {
    if (++writes == 1) {  // the deletion, after the expired jobs were listed
      EXPECT_TRUE(control.Retry(Harness::Key("j")).has_value());
    }
    return false;
  });
  EXPECT_EQ(Collect(*home.context, std::nullopt).Run()->jobs, 0U);
  home.RunAll();
  home.ExpectWhole("j", 3);
  EXPECT_EQ(job::StatusOf(home.JobOf("j")), job::JobStatus::kCompleted);
}

}  // namespace
}  // namespace flow
