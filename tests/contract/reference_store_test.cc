#include "contract/homes.h"
#include "contract/samples.h"
#include "ports/blob_store.h"

namespace contract {
namespace {

class ReferenceStoreContract : public StoreContract {
 protected:
  ports::ReferenceStore& references() { return home->references(); }
  void Make(const job::JobKey& key) { ASSERT_TRUE(home->jobs().Create(RunningJob(key, 10)).has_value()); }
  void Record(const job::JobKey& key, const job::Outcome& outcome) {
    const auto answer = home->outcomes().Record({.key = key, .outcomes = {wire::ToRow(outcome)}});
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
  }
  bool Referenced(std::string_view content, std::int64_t second = 1'000'000) {
    return *references().IsReferenced(ana, Hash(content), At(second));
  }
  std::optional<job::Outcome> FoundOne(std::string_view reuse_key, const char* tenant = "ana") {
    const auto found = home->reuse().Find(job::TenantId(tenant), {Hash(reuse_key)});
    EXPECT_TRUE(found.has_value());
    return found->front();
  }
  static job::Outcome Reusable(job::Position position, std::string_view reuse_key, std::string_view content) {
    job::Outcome outcome = SuccessAt(position);
    outcome.artifacts = {ArtifactOf(content)};
    outcome.reuse_key = Hash(reuse_key);
    return outcome;
  }
  const job::TenantId ana{"ana"};
  const job::JobKey one = KeyOf("ana", "one");
  const job::JobKey two = KeyOf("ana", "two");
};
UT_OVER_ALL_STORES(ReferenceStoreContract);

TEST_P(ReferenceStoreContract, RemembersUploadsPerTenant) {
  ports::UploadRecord upload{.tenant = ana,
                             .sha256 = Hash("bytes"),
                             .bytes = 5,
                             .content_type = "text/csv",
                             .expires_at = At(60),
                             .complete = false};
  ASSERT_TRUE(references().PutUpload(upload).has_value());
  EXPECT_EQ(*references().GetUpload(ana, Hash("bytes")), upload);
  upload.complete = true;
  ASSERT_TRUE(references().PutUpload(upload).has_value());
  home->Reopen();
  EXPECT_EQ(*references().GetUpload(ana, Hash("bytes")), upload);
  EXPECT_EQ(*references().GetUpload(ana, Hash("other")), std::nullopt);
  EXPECT_EQ(*references().GetUpload(job::TenantId("eva"), Hash("bytes")), std::nullopt);
}

TEST_P(ReferenceStoreContract, AnUploadIsReferencedForAWhileAndWhileAJobNamesIt) {
  constexpr std::int64_t kLongAfter = 365 * 24 * 3600;
  ASSERT_TRUE(
      references().PutUpload({.tenant = ana, .sha256 = Hash("b"), .bytes = 1, .expires_at = At(60)}).has_value());
  EXPECT_TRUE(Referenced("b", 60));
  EXPECT_TRUE(Referenced("b", 3600)) << "a grace, for jobs on their way";
  EXPECT_FALSE(Referenced("b", kLongAfter));
  ASSERT_TRUE(references().TieUploads(one, {Hash("b"), Hash("c")}).has_value());
  EXPECT_FALSE(Referenced("b", kLongAfter)) << "an orphan tie holds nothing";
  Make(one);
  home->Reopen();
  EXPECT_TRUE(Referenced("b", kLongAfter));
  EXPECT_TRUE(Referenced("c", kLongAfter));
  ASSERT_TRUE(DeleteNow(home->jobs(), one).has_value());
  EXPECT_FALSE(Referenced("b", kLongAfter));
  Make(one);
  EXPECT_FALSE(Referenced("b", kLongAfter)) << "the tie went with the job";
}

TEST_P(ReferenceStoreContract, AnUploadedManifestUsedInPlaceIsReferencedByItsJob) {
  ports::NewJob job = RunningJob(one, 1);
  job.spec.manifest.blob = ports::ContentKey(ana, Hash("manifest"));
  ASSERT_TRUE(home->jobs().Create(job).has_value());
  EXPECT_TRUE(Referenced("manifest"));
  ASSERT_TRUE(DeleteNow(home->jobs(), one).has_value());
  EXPECT_FALSE(Referenced("manifest"));
}

TEST_P(ReferenceStoreContract, ArtifactsOfOutcomesAreFoundByTheirTenantUntilTheLastJobGoes) {
  Make(one);
  Make(two);
  Record(one, Reusable(1, "r", "shared"));
  job::Outcome later = Reusable(2, "r2", "shared");
  later.artifacts.front().name = "later.csv";
  Record(one, later);
  Record(two, later);
  home->Reopen();
  EXPECT_EQ(*references().FindArtifact(ana, Hash("shared")), ArtifactOf("shared")) << "as the first one describes it";
  EXPECT_EQ(*references().FindArtifact(job::TenantId("eva"), Hash("shared")), std::nullopt);
  EXPECT_TRUE(Referenced("shared"));
  ASSERT_TRUE(DeleteNow(home->jobs(), one).has_value());
  EXPECT_EQ(references().FindArtifact(ana, Hash("shared"))->value_or(job::Artifact{}).name, "later.csv");
  ASSERT_TRUE(DeleteNow(home->jobs(), two).has_value());
  EXPECT_EQ(*references().FindArtifact(ana, Hash("shared")), std::nullopt);
  EXPECT_FALSE(Referenced("shared"));
}

TEST_P(ReferenceStoreContract, ArtifactsOfReducersAreReferencedToo) {
  Make(one);
  job::JobState next = home->jobs().Get(one)->value_or(job::Job{}).state;
  next.version += 1;
  next.reduced = {{.reducer = "summary", .artifacts = {ArtifactOf("summary.json"), ArtifactOf("x")}, .error = {}}};
  ASSERT_TRUE(home->jobs().Update(one, next, {}).has_value());
  EXPECT_EQ(*references().FindArtifact(ana, Hash("summary.json")), ArtifactOf("summary.json"));
  EXPECT_EQ(*references().FindArtifact(ana, Hash("x")), ArtifactOf("x"));
  ASSERT_TRUE(DeleteNow(home->jobs(), one).has_value());
  EXPECT_EQ(*references().FindArtifact(ana, Hash("x")), std::nullopt);
}

TEST_P(ReferenceStoreContract, ARefusedCommitAddsNoReference) {
  Make(one);
  Record(one, SuccessAt(1));
  const auto answer = home->outcomes().Record({.key = one, .outcomes = {wire::ToRow(Reusable(1, "r", "late"))}});
  ASSERT_EQ(answer->already_recorded.size(), 1U);
  EXPECT_FALSE(Referenced("late"));
  EXPECT_EQ(FoundOne("r"), std::nullopt);
}

TEST_P(ReferenceStoreContract, AnEarlierSuccessIsFoundByItsReuseKey) {
  Make(one);
  const job::Outcome outcome = Reusable(3, "r", "thumb");
  Record(one, outcome);
  home->Reopen();
  const auto found = home->reuse().Find(ana, {Hash("nothing"), Hash("r"), Hash("r")});
  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(found->size(), 3U);
  EXPECT_EQ((*found)[0], std::nullopt);
  EXPECT_EQ((*found)[1], outcome);
  EXPECT_EQ((*found)[2], outcome);
  EXPECT_EQ(FoundOne("r", "eva"), std::nullopt) << "per tenant";
}

TEST_P(ReferenceStoreContract, AReuseEntryGoesWithItsJobButNotWithAnother) {
  Make(one);
  Make(two);
  Record(one, Reusable(3, "r", "thumb"));
  Record(two, Reusable(4, "r", "thumb"));
  ASSERT_TRUE(DeleteNow(home->jobs(), one).has_value());
  ASSERT_TRUE(FoundOne("r").has_value());
  EXPECT_EQ(FoundOne("r").value_or(job::Outcome{}).position, 4U);
  ASSERT_TRUE(DeleteNow(home->jobs(), two).has_value());
  EXPECT_EQ(FoundOne("r"), std::nullopt);
}

}  // namespace
}  // namespace contract
