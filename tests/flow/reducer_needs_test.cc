// What a reducer asks of the toons, and what it is given when it finishes.
#include <algorithm>

#include "harness.h"

namespace flow {
namespace {

// Needs the operation "emit" of every message; reads the artifacts that came of it and joins their bytes.
class JoiningReducer final : public ports::Reducer {
 public:
  [[nodiscard]] std::string_view name() const override { return "join"; }
  [[nodiscard]] std::string_view work_class() const override { return "image"; }
  [[nodiscard]] std::vector<base::FieldError> CheckParams(std::string_view) const override { return {}; }
  [[nodiscard]] std::optional<ports::Operation> Needs(std::string_view type) const override {
    if (type != "message") return std::nullopt;
    return ports::Operation{.name = "emit"};
  }
  [[nodiscard]] std::string Fold(std::span<const job::Outcome> outcomes) const override {
    std::string partial;
    for (const auto& outcome : outcomes) {
      for (const auto& artifact : outcome.artifacts) {
        partial += fmt::format("{} {} {}\n", base::ToHex(artifact.sha256), artifact.bytes, outcome.position);
      }
    }
    return partial;
  }
  [[nodiscard]] base::Result<std::string> Merge(std::string_view a, std::string_view b) const override {
    return fakes::AddDecimal(a, b);
  }
  [[nodiscard]] base::Result<std::string> Render(std::string_view) const override { return "{}"; }
  [[nodiscard]] base::Result<std::vector<ports::ArtifactBytes>> Finish(const ports::ReduceInput& input) const override {
    std::string joined(input.tenant);
    std::string_view rest = input.partial;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(end + 1);
      job::Artifact artifact{.name = "x", .sha256 = *base::Sha256FromHex(line.substr(0, 64))};
      artifact.bytes = std::stoul(std::string(line.substr(65)));
      UT_TRY_ASSIGN(const std::string bytes, input.artifacts->Read(artifact));
      joined += "|" + bytes;
    }
    return std::vector<ports::ArtifactBytes>{{"joined.txt", "text/plain", joined}};
  }
};

class Needs : public testing::TestWithParam<StoreKind> {
 protected:
  Needs() {
    home.reducers.Add(std::make_unique<JoiningReducer>());
    home.processors.Set("message", [this](const ports::ToonInput& input) {
      std::string names;
      for (const auto& operation : *input.operations) names += operation.name + operation.params_json + ";";
      asked.push_back(names);
      ports::ProcessorOutput output;
      output.artifacts.push_back({"emitted.txt", "text/plain", std::string(input.bytes)});
      return fakes::FakeProcessor::Answer(std::move(output));
    });
  }
  Harness home{GetParam()};
  std::vector<std::string> asked;
};

constexpr std::string_view kReducers = R"("reducers":[{"name":"join"}],)";

TEST_P(Needs, AreAddedToTheOperationsOfEveryToonThatDoesNotAskForThem) {
  const std::string body =
      R"({"jobId":"j","reducers":[{"name":"join"}],"operations":{"message":[{"op":"a"}]},"toons":[)"
      R"({"toonId":"t0","type":"message","text":"x"},)"
      R"({"toonId":"t1","type":"message","text":"y","operations":[{"op":"emit","n":1}]},)"
      R"({"toonId":"t2","type":"message","text":"z","operations":[]}]})";
  ASSERT_TRUE(home.Submit(body)) << home.Submit(body).error().message;
  home.RunAll();
  EXPECT_EQ(asked, (std::vector<std::string>{"a{};emit{};", "emit{\"n\":1};", "emit{};"}));
}

TEST_P(Needs, AreNobodysWithoutTheReducer) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 1)));
  home.RunAll();
  EXPECT_EQ(asked, std::vector<std::string>{""});
}

TEST_P(Needs, MakeEqualToonsOfAJobWithoutTheReducerOtherWork) {
  const auto body = [](const std::string& id, std::string_view more) {
    return Harness::Body(id, 1, R"("reuse":true,)" + std::string(more), [](int) { return "same"; });
  };
  ASSERT_TRUE(home.Submit(body("plain", "")));
  home.RunAll();
  ASSERT_TRUE(home.Submit(body("joined", kReducers)));
  home.RunAll();
  EXPECT_EQ(home.metrics.reused, 0U);
  ASSERT_TRUE(home.Submit(body("again", kReducers)));
  home.RunAll();
  EXPECT_EQ(home.metrics.reused, 1U);
  EXPECT_EQ(asked.size(), 2U);
}

TEST_P(Needs, AreReadableAtTheEndByWorkersOfTheReducersClass) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 1, std::string(kReducers), [](int) { return "hello"; })));
  std::vector<std::string> reduced_by;
  home.RunAll([&](const ports::Chunk& chunk) -> std::optional<ports::WorkerEnd> {
    if (chunk.kind == ports::Chunk::Kind::kReduce) reduced_by.push_back(chunk.reducer + "/" + chunk.work_class);
    return std::nullopt;
  });
  EXPECT_EQ(reduced_by, (std::vector<std::string>{"summary/data", "join/image"}));
  const job::Job job = home.JobOf("j");
  ASSERT_EQ(job.state.reduced.size(), 2U);
  const auto joined = std::ranges::find(job.state.reduced, "join", &job::ReduceResult::reducer);
  ASSERT_FALSE(joined->error) << joined->error->message;
  EXPECT_EQ(joined->artifacts.front().sha256, base::Sha256Of("acme|hello"));
}

INSTANTIATE_TEST_SUITE_P(Stores, Needs, testing::Values(StoreKind::kFake, StoreKind::kRocks),
                         [](const auto& kind) { return kind.param == StoreKind::kFake ? "Fake" : "Rocks"; });

}  // namespace
}  // namespace flow
