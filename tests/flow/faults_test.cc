// Many short runs in which stores, blobs and workers fail at random: whatever happens, every toon ends in one outcome.
#include "harness.h"

namespace flow {
namespace {

class Faults : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Faults, EveryToonEndsOnceWhateverFails) {
  const std::uint64_t seed = GetParam();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Harness home(StoreKind::kFake, seed);
  const std::size_t toons = 1 + home.random.Next() % 700;
  home.processors.Set("message", [&](const ports::ToonInput& input) {
    return input.bytes.ends_with("13") ? fakes::FakeProcessor::Failure("bad-input", ports::Blame::kInput)
           : input.bytes.ends_with("29") && home.random.Next() % 2 == 0
               ? fakes::FakeProcessor::Failure("busy", ports::Blame::kResource)
               : fakes::FakeProcessor::CountBytes(input);
  });
  ASSERT_TRUE(home.Submit(Harness::Body("j", static_cast<int>(toons))).has_value());
  for (int step = 0; step < 3000 && job::StatusOf(home.JobOf("j")) < job::JobStatus::kCompleted; ++step) {
    switch (home.random.Next() % 12) {
      case 0:
        home.fake.commit_fault.FailNext(1);
        break;
      case 1:
        home.fake.lost_answer.FailNext(1);
        break;
      case 2:
        home.fake.version_fault.FailNext(1);
        break;
      case 3:
        home.blobs.write_fault.FailNext(1);
        break;
      case 4:
        home.fake.read_fault.FailNext(1);
        break;
      case 5:
        if (home.random.Next() % 8 == 0) home.Restart();
        break;
      default:
        break;
    }
    (void)home.Step([&](const ports::Chunk& chunk) -> std::optional<ports::WorkerEnd> {
      const std::uint64_t dice = home.random.Next() % 20;
      if (chunk.kind == ports::Chunk::Kind::kProcess && chunk.segment.count > 1 && chunk.only.size() != 1 &&
          dice == 0) {
        return ports::WorkerEnd::kCrashed;
      }
      if (dice == 1) return ports::WorkerEnd::kPlatform;
      return std::nullopt;
    });
    (void)home.fan_out->RunDue();
    home.clock.Advance(std::chrono::milliseconds(200));
    home.fake.commit_fault.FailNext(0);
    home.fake.lost_answer.FailNext(0);
    home.fake.version_fault.FailNext(0);
    home.blobs.write_fault.FailNext(0);
    home.fake.read_fault.FailNext(0);
  }
  home.RunAll();
  home.ExpectWhole("j", toons);
  EXPECT_GE(job::StatusOf(home.JobOf("j")), job::JobStatus::kCompleted);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Faults, testing::Range<std::uint64_t>(1, 301));

}  // namespace
}  // namespace flow
