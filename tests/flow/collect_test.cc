// The collector beside work that goes on: what is wanted again between its look and its removal stays.
#include "flow/collect.h"

#include "flow/backup.h"
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

TEST_F(CollectBesideWork, AJumpOfTheClockEndsNoGraceAndNoRetention) {
  const std::string key = ports::ContentKey(job::TenantId("acme"), base::Sha256Of("about to be recorded"));
  ASSERT_TRUE(home.Submit(Harness::Body("j", 3, R"("retentionSeconds":60,)")).has_value());
  home.RunAll();
  home.ExpectWhole("j", 3);
  Collect collect(*home.context, std::nullopt);
  home.blobs.Plant(key, "about to be recorded");
  home.clock.JumpTo(home.clock.Now() + std::chrono::hours(30));
  EXPECT_EQ(collect.Run()->blobs, 0U);
  home.clock.Advance(std::chrono::minutes(59));
  EXPECT_EQ(collect.Run()->jobs, 0U);
  home.clock.JumpTo(home.clock.Now() - std::chrono::hours(30));  // corrected
  EXPECT_EQ(collect.Run()->jobs, 0U);
  EXPECT_EQ(home.JobOf("j").counters.succeeded, 3U);
  home.clock.Advance(Collect::kGrace + std::chrono::minutes(1));
  const auto swept = collect.Run();
  EXPECT_EQ(swept->jobs, 1U);
  EXPECT_GE(swept->blobs, 1U);
}

TEST_F(CollectBesideWork, NothingIsRemovedWhileABackupIsMade) {
  const std::string key = ports::ContentKey(job::TenantId("acme"), base::Sha256Of("orphan"));
  home.blobs.Plant(key, "orphan");
  Collect collect(*home.context, std::nullopt);
  std::string removed;
  Backup backup(collect, home.clock, home.context->random,
                {.make = [](const std::string&) { return base::Status{}; },
                 .remove = [&](const std::string& id) { removed = id; }});
  home.clock.Advance(std::chrono::hours(2));
  const auto id = backup.Begin();
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(backup.Begin().error().code, base::Code::kConflict);
  EXPECT_EQ(collect.Run()->blobs, 0U);
  home.clock.Advance(Backup::kHold - std::chrono::minutes(1));
  EXPECT_TRUE(backup.Renew(*id).has_value());
  home.clock.Advance(Backup::kHold - std::chrono::minutes(1));
  EXPECT_EQ(collect.Run()->blobs, 0U);
  EXPECT_TRUE(backup.End(*id).has_value());
  EXPECT_EQ(removed, *id);
  EXPECT_EQ(collect.Run()->blobs, 1U);
}

TEST_F(CollectBesideWork, ABackupWithoutASignOfLifeHasLapsed) {
  Collect collect(*home.context, std::nullopt);
  Backup backup(collect, home.clock, home.context->random,
                {.make = [](const std::string&) { return base::Status{}; }, .remove = [](const std::string&) {}});
  const auto id = backup.Begin();
  ASSERT_TRUE(id.has_value());
  home.clock.Advance(Backup::kHold);
  EXPECT_EQ(backup.Renew(*id).error().code, base::Code::kNotFound);
  EXPECT_EQ(backup.End(*id).error().code, base::Code::kNotFound);
  EXPECT_TRUE(backup.Begin().has_value());
}

TEST_F(CollectBesideWork, APictureThatLapsedIsRemovedWithoutAnotherBackup) {
  Collect collect(*home.context, std::nullopt);
  std::vector<std::string> removed;
  Backup backup(collect, home.clock, home.context->random,
                {.make = [](const std::string&) { return base::Status{}; },
                 .remove = [&](const std::string& id) { removed.push_back(id); }});
  const auto id = backup.Begin();
  ASSERT_TRUE(id.has_value());
  home.clock.Advance(Backup::kHold - std::chrono::seconds(1));
  backup.Sweep();
  EXPECT_EQ(removed, std::vector<std::string>{});
  home.clock.Advance(std::chrono::seconds(1));
  backup.Sweep();
  backup.Sweep();
  EXPECT_EQ(removed, std::vector{*id});
}

}  // namespace
}  // namespace flow
