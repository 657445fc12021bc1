#include "sandbox/executor_pool.h"

#include <errno.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/sanitizer.h"
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace sandbox {
namespace {

using ports::Blame;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Answer = std::expected<ports::ProcessorOutput, ports::ProcessorFailure>;

constexpr std::uint64_t kMemory = (256U << 20U) / base::kMemoryFactor;  // what is held then is about the same

PoolOptions Options(Level level, std::string program = SANDBOX_TEST_EXECUTOR) {
  return {.program = std::move(program),
          .level = level,
          .limits = {.memory_bytes = kMemory, .output_bytes = 1U << 20U, .cpu_seconds = 1, .wall_seconds = 20}};
}

Answer Ask(ports::Executor& executor, std::string_view verb, std::string_view input = "bytes",
           std::string_view tenant = "acme", std::string params = "{}") {
  const std::vector<ports::Operation> operations = {{.name = "op", .params_json = std::move(params)}};
  return executor.Run({.tenant = tenant, .verb = verb, .operations = &operations, .inputs = {input}});
}

std::string Code(const Answer& answer) {
  return answer ? "success: " + answer->result_json : answer.error().error.code;
}
std::string Message(const Answer& answer) {
  return answer ? "success" : answer.error().error.message;
}
Blame BlameOf(const Answer& answer) {
  return answer ? Blame::kInput : answer.error().blame;
}

// The number after "key": of a result, -1 without one.
std::int64_t Number(const Answer& answer, std::string_view key) {
  if (!answer) return -1;
  const std::string& json = answer->result_json;
  const std::string before = fmt::format("\"{}\":", key);
  const std::size_t at = json.find(before);
  std::int64_t value = -1;
  if (at != std::string::npos) {
    (void)std::from_chars(json.data() + at + before.size(), json.data() + json.size(), value);
  }
  return value;
}

// Processes whose parent we are, the ended ones too.
std::set<std::int64_t> Children() {
  std::set<std::int64_t> pids;
  std::ifstream file(fmt::format("/proc/self/task/{}/children", ::getpid()));
  for (std::int64_t pid = 0; file >> pid;) pids.insert(pid);
  return pids;
}

std::uint64_t ResidentBytes() {
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

class ExecutorPool : public ::testing::TestWithParam<Level> {
 protected:
  std::unique_ptr<ports::Executor> pool_ = NewExecutorPool(Options(GetParam()));
  void ExpectDeath(std::string_view verb, std::string_view code) {
    const Answer answer = Ask(*pool_, verb);
    EXPECT_EQ(Code(answer), code) << verb << ": " << Message(answer);
    EXPECT_EQ(BlameOf(answer), Blame::kLethal) << verb;
    EXPECT_TRUE(Ask(*pool_, "echo")) << "the next toon after " << verb;
  }
};
INSTANTIATE_TEST_SUITE_P(BothLevels, ExecutorPool, ::testing::Values(Level::kStrict, Level::kContained),
                         [](const auto& info) { return std::string(kLevelNames[static_cast<int>(info.param)]); });

TEST_P(ExecutorPool, WhatTheExecutorSaysComesBack) {
  const std::string large(3'000'000, 'y');
  PoolOptions options = Options(GetParam());
  options.limits.output_bytes = 4'000'000;
  pool_ = NewExecutorPool(options);
  const std::vector<ports::Operation> operations;
  const Answer answer =
      pool_->Run({.tenant = "acme", .verb = "echo", .operations = &operations, .inputs = {"", large, "end"}});
  ASSERT_TRUE(answer) << Message(answer);
  EXPECT_EQ(Number(answer, "inputs"), 3);
  EXPECT_EQ(Number(answer, "tenant"), 0) << "a child does not know whom it serves";
  EXPECT_EQ(answer->result_json.find(' '), std::string::npos);
  EXPECT_EQ(answer->perceptual, "00ff");
  EXPECT_EQ(answer->fingerprint, base::Sha256Of("echo"));
  ASSERT_EQ(answer->artifacts.size(), 3U);
  EXPECT_EQ(answer->artifacts[0].bytes, "");
  EXPECT_EQ(answer->artifacts[1].bytes, large);
  EXPECT_EQ(answer->artifacts[2].name, "input-2");
  EXPECT_EQ(answer->artifacts[2].content_type, "text/plain");
}

TEST_P(ExecutorPool, TheDecodersOwnFailureIsPassedOnCleaned) {
  const Answer answer = Ask(*pool_, "failure");
  EXPECT_EQ(Code(answer), "invalid-image");
  EXPECT_EQ(Message(answer), "line?one ?");
  EXPECT_EQ(BlameOf(answer), Blame::kInput);
}

TEST_P(ExecutorPool, TheVersionIsTheProgramsOwn) {
  EXPECT_EQ(pool_->version(), "1+test");
  EXPECT_EQ(NewExecutorPool(Options(GetParam(), "/nonexistent"))->version(), "unavailable");
  EXPECT_EQ(NewExecutorPool(Options(GetParam(), SANDBOX_TEST_RUDE))->version(), "unavailable");
}

TEST_P(ExecutorPool, AProgramThatDoesNotStartIsNobodysFault) {
  const auto pool = NewExecutorPool(Options(GetParam(), "/nonexistent"));
  const Answer answer = Ask(*pool, "echo");
  EXPECT_EQ(Code(answer), "isolation-unavailable");
  EXPECT_EQ(BlameOf(answer), Blame::kResource);
  EXPECT_THAT(Message(answer), HasSubstr("No such file"));
}

TEST_P(ExecutorPool, ACrashIsItsToonsAlone) {
  for (const std::string_view verb : {"abort", "segv", "exit", "kill", "part-of-a-reply", "bad-reply"}) {
    ExpectDeath(verb, "executor-died");
  }
  EXPECT_THAT(Message(Ask(*pool_, "exit")), HasSubstr("decoding: exit status 3"));
  EXPECT_THAT(Message(Ask(*pool_, "abort")), HasSubstr("SIGABRT"));
}

TEST_P(ExecutorPool, WantOfMemoryIsNamedHoweverTheExecutorTakesIt) {
  for (const std::string_view verb : {"eat-malloc", "eat-aligned", "eat-mmap", "eat-new", "polite-out-of-memory"}) {
    ExpectDeath(verb, "memory-limit");
  }
  EXPECT_THAT(Message(Ask(*pool_, "eat-malloc")), HasSubstr(fmt::format("{} bytes (maxExecutorMemory)", kMemory)));
}

TEST_P(ExecutorPool, ALoopEndsAtItsProcessorTime) {
  const auto start = std::chrono::steady_clock::now();
  const Answer answer = Ask(*pool_, "loop");
  EXPECT_EQ(Code(answer), "cpu-limit") << Message(answer);
  EXPECT_EQ(BlameOf(answer), Blame::kLethal);
  EXPECT_THAT(Message(answer), HasSubstr("1 seconds"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));
  EXPECT_TRUE(Ask(*pool_, "echo"));
}

TEST_P(ExecutorPool, AnExecutorThatWaitsEndsByTheClock) {
  PoolOptions options = Options(GetParam());
  options.limits.wall_seconds = 1;
  pool_ = NewExecutorPool(options);
  ExpectDeath("sleep", "time-limit");
  EXPECT_THAT(Message(Ask(*pool_, "sleep")), HasSubstr("1 seconds"));
}

TEST_P(ExecutorPool, AReplyOverItsLimitIsNotRead) {
  EXPECT_TRUE(Ask(*pool_, "big-artifact", "", "acme", std::to_string(1U << 20U)));
  const Answer answer = Ask(*pool_, "big-artifact", "", "acme", std::to_string((1U << 20U) + 1));
  EXPECT_EQ(Code(answer), "output-limit");
  EXPECT_EQ(BlameOf(answer), Blame::kLethal);
  ExpectDeath("huge-head", "output-limit");
  EXPECT_EQ(Code(Ask(*pool_, "big-result")), "result-too-large");
}

TEST_P(ExecutorPool, AReplyThatCouldNotBeShownAsItIsKillsItsChild) {
  ExpectDeath("no-json", "executor-died");
  ExpectDeath("path-name", "executor-died");
}

TEST_P(ExecutorPool, TooLargeASourceStartsNoChild) {
  PoolOptions options = Options(GetParam());
  options.limits.max_input_bytes = 3;
  pool_ = NewExecutorPool(options);
  const Answer answer = Ask(*pool_, "echo", "four");
  EXPECT_EQ(Code(answer), "source-too-large");
  EXPECT_EQ(BlameOf(answer), Blame::kInput);
  EXPECT_TRUE(Children().empty());
  EXPECT_TRUE(Ask(*pool_, "echo", "two"));
}

TEST_P(ExecutorPool, TheChildHasNothingOfOurs) {
  ::setenv("AWS_SECRET_ACCESS_KEY", "hunter2", 1);
  const Answer environment = Ask(*pool_, "environment");
  ASSERT_TRUE(environment);
  EXPECT_THAT(environment->result_json, AllOf(Not(HasSubstr("hunter2")), HasSubstr("LANG=C.UTF-8")));
  // Six of protocol.h, and one to see its own memory by; sanitizers may hold their own.
  const std::int64_t descriptors = Number(Ask(*pool_, "descriptors"), "descriptors");
  EXPECT_GE(descriptors, 1);
  EXPECT_LE(descriptors, 7);
}

TEST_P(ExecutorPool, ThreadsWork) {
  EXPECT_EQ(Number(Ask(*pool_, "threads"), "threads"), 4);
}

TEST_P(ExecutorPool, ComplaintsNeitherStopNorReachAnyone) {
  EXPECT_EQ(Number(Ask(*pool_, "complain"), "complained"), 1);
  EXPECT_TRUE(Ask(*pool_, "echo"));
}

TEST_P(ExecutorPool, AChildServesOneTenantUntilItsTasksAreDone) {
  const std::int64_t first = Number(Ask(*pool_, "echo", "x", "acme"), "pid");
  EXPECT_EQ(Number(Ask(*pool_, "echo", "x", "acme"), "pid"), first);
  const std::int64_t other = Number(Ask(*pool_, "echo", "x", "globex"), "pid");
  EXPECT_NE(other, first);
  EXPECT_EQ(Number(Ask(*pool_, "echo", "x", "acme"), "pid"), first);
  for (std::uint32_t i = 3; i < job::kMaxToonsPerExecutor; ++i) {
    ASSERT_EQ(Number(Ask(*pool_, "echo", "x", "acme"), "pid"), first) << i;
  }
  EXPECT_NE(Number(Ask(*pool_, "echo", "x", "acme"), "pid"), first);
}

TEST_P(ExecutorPool, AChildThatKeepsMuchMemoryIsReplaced) {
  PoolOptions options = Options(GetParam());
  options.limits.memory_bytes = 1U << 30U;
  pool_ = NewExecutorPool(options);
  const std::int64_t fat = Number(Ask(*pool_, "hold"), "pid");
  ASSERT_GT(fat, 0);
  EXPECT_NE(Number(Ask(*pool_, "echo"), "pid"), fat);
}

TEST_P(ExecutorPool, TheTenantUnusedForLongestLosesItsChild) {
  std::map<std::string, std::int64_t> pids;
  for (const char* tenant : {"a", "b", "c"}) pids[tenant] = Number(Ask(*pool_, "echo", "x", tenant), "pid");
  EXPECT_EQ(Number(Ask(*pool_, "echo", "x", "a"), "pid"), pids["a"]);
  EXPECT_GT(Number(Ask(*pool_, "echo", "x", "d"), "pid"), 0);
  EXPECT_LE(Children().size(), job::kMaxTenantExecutors + 1);
  EXPECT_EQ(Number(Ask(*pool_, "echo", "x", "a"), "pid"), pids["a"]);
  EXPECT_NE(Number(Ask(*pool_, "echo", "x", "b"), "pid"), pids["b"]);
}

TEST_P(ExecutorPool, TheNextChildIsStartedAhead) {
  (void)Ask(*pool_, "echo");
  const std::set<std::int64_t> before = Children();
  ASSERT_EQ(before.size(), 2U);
  EXPECT_TRUE(before.contains(Number(Ask(*pool_, "echo", "x", "globex"), "pid")));
}

TEST_P(ExecutorPool, AnIdleChildsDeathIsNoToons) {
  const std::int64_t first = Number(Ask(*pool_, "echo"), "pid");
  for (const std::int64_t pid : Children()) {  // the spare too
    ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  }
  const Answer answer = Ask(*pool_, "echo");
  ASSERT_TRUE(answer) << Message(answer);
  EXPECT_NE(Number(answer, "pid"), first);
}

TEST_P(ExecutorPool, NoChildOutlivesItsPool) {
  (void)Ask(*pool_, "echo", "x", "acme");
  (void)Ask(*pool_, "abort", "x", "globex");
  (void)pool_->version();
  EXPECT_FALSE(Children().empty());
  pool_.reset();
  EXPECT_TRUE(Children().empty());
}

TEST_P(ExecutorPool, KillsCostTheParentNothing) {
  for (int i = 0; i < 20; ++i) (void)Ask(*pool_, "exit");
  const std::uint64_t before = ResidentBytes();
  const auto open = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); };
  const auto descriptors = open();
  const std::string large(1'000'000, 'z');
  constexpr int kKills = base::kSanitized ? 40 : 200;  // there a start takes ten times as long
  for (int i = 0; i < kKills; ++i) EXPECT_EQ(Code(Ask(*pool_, "exit", large)), "executor-died");
  EXPECT_EQ(open(), descriptors);
  EXPECT_LT(ResidentBytes(), before + base::kMemoryFactor * (4U << 20U));
  EXPECT_LE(Children().size(), 2U);
}

TEST(ExecutorPoolStrict, ForbiddenCallsKill) {
  const auto pool = NewExecutorPool(Options(Level::kStrict));
  for (const std::string_view verb : {"socket", "fork", "exec", "kill-parent"}) {
    const Answer answer = Ask(*pool, verb);
    EXPECT_EQ(Code(answer), "forbidden-call") << verb << ": " << Message(answer);
    EXPECT_EQ(BlameOf(answer), Blame::kLethal);
  }
  EXPECT_EQ(Number(Ask(*pool, "open-file"), "errno"), EPERM);
}

TEST(ExecutorPoolContained, NothingNewCanBeOpened) {
  const auto pool = NewExecutorPool(Options(Level::kContained));
  EXPECT_EQ(Number(Ask(*pool, "open-file"), "errno"), EPERM);  // this system does not refuse the filter
  EXPECT_EQ(Code(Ask(*pool, "socket")), "forbidden-call");
}

TEST(ExecutorPoolDenied, StrictSaysWhatToConfigure) {
  const auto pool = NewExecutorPool(Options(Level::kStrict, SANDBOX_TEST_DENIED));
  const Answer answer = Ask(*pool, "echo");
  EXPECT_EQ(Code(answer), "isolation-unavailable");
  EXPECT_EQ(BlameOf(answer), Blame::kResource);
  EXPECT_THAT(Message(answer), AllOf(HasSubstr("isolation = \"contained\""), HasSubstr("seccomp")));
  EXPECT_FALSE(Examine(Options(Level::kStrict, SANDBOX_TEST_DENIED)));
}

TEST(ExecutorPoolDenied, ContainedWorksAndStillNamesEveryLimit) {
  const auto pool = NewExecutorPool(Options(Level::kContained, SANDBOX_TEST_DENIED));
  EXPECT_TRUE(Ask(*pool, "echo"));
  EXPECT_EQ(Code(Ask(*pool, "abort")), "executor-died");
  EXPECT_EQ(Code(Ask(*pool, "eat-malloc")), "memory-limit");
  EXPECT_EQ(Code(Ask(*pool, "loop")), "cpu-limit");
  EXPECT_EQ(Number(Ask(*pool, "open-file"), "errno"), EMFILE);
  EXPECT_EQ(Number(Ask(*pool, "socket"), "errno"), EMFILE);
}

class RudeExecutor : public ::testing::Test {
 protected:
  static PoolOptions RudeOptions() {
    PoolOptions options = Options(Level::kStrict, SANDBOX_TEST_RUDE);
    options.limits.wall_seconds = 2;
    return options;
  }
  std::unique_ptr<ports::Executor> pool_ = NewExecutorPool(RudeOptions());
  std::string large_ = std::string(4'000'000, 'z');  // more than a pipe holds
};

TEST_F(RudeExecutor, AnswersBeforeItHasReadAreTakenAndTheChildIsReplaced) {
  for (const std::string_view verb : {"at-once", "stop-reading"}) {
    const Answer first = Ask(*pool_, verb, large_);
    ASSERT_TRUE(first) << Message(first);
    const Answer second = Ask(*pool_, verb, large_);
    ASSERT_TRUE(second) << Message(second);
    EXPECT_NE(Number(first, "pid"), Number(second, "pid"));
  }
}

TEST_F(RudeExecutor, DyingWhileWeWriteIsADeath) {
  EXPECT_EQ(Code(Ask(*pool_, "die", large_)), "executor-died");
  EXPECT_EQ(Code(Ask(*pool_, "hang-up", large_)), "executor-died");
}

TEST_F(RudeExecutor, ASecondReplyIsNotTakenForTheNextToons) {
  const Answer first = Ask(*pool_, "twice", "");
  const Answer second = Ask(*pool_, "twice", "");
  ASSERT_TRUE(first && second);
  EXPECT_NE(Number(first, "pid"), Number(second, "pid"));
}

TEST_F(RudeExecutor, EndlessComplaintsEndByTheClock) {
  EXPECT_EQ(Code(Ask(*pool_, "flood", large_)), "time-limit");
}

TEST(Examine, NamesWhatWasTriedAndWhatCameOfIt) {
  const auto strict = Examine(Options(Level::kStrict));
  ASSERT_TRUE(strict) << strict.error().message;
  EXPECT_THAT(*strict, AllOf(HasSubstr(R"("level":"strict")"), HasSubstr(R"("version":"1+test")"),
                             HasSubstr(R"("seccomp":true)"), HasSubstr(R"("memoryHidden":true)")));
  for (const char* probe : {"socket", "exec", "fork", "signal-parent", "parent-read"}) {
    EXPECT_THAT(*strict, HasSubstr(fmt::format(R"("{}":"killed")", probe)));
  }
  for (const char* probe : {"open-file", "write-file", "parent-environment", "parent-memory"}) {
    EXPECT_THAT(*strict, HasSubstr(fmt::format(R"("{}":"refused")", probe)));
  }
  EXPECT_THAT(*strict, HasSubstr(R"("environment":"empty")"));
  const auto contained = Examine(Options(Level::kContained, SANDBOX_TEST_DENIED));
  ASSERT_TRUE(contained) << contained.error().message;
  EXPECT_THAT(*contained, AllOf(HasSubstr(R"("level":"contained")"), HasSubstr(R"("seccomp":false)")));
  for (const char* probe : {"open-file", "write-file", "socket", "parent-environment", "parent-memory"}) {
    EXPECT_THAT(*contained, HasSubstr(fmt::format(R"("{}":"refused")", probe)));
  }
  EXPECT_EQ(Examine(Options(Level::kStrict, "/nonexistent")).error().code, base::Code::kUnsupported);
  EXPECT_TRUE(Children().empty());
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
TEST_P(ExecutorPool, WhatASanitizerFindsInAChildReachesOurReport) {
  const std::string place = ::testing::TempDir() + "finding";
  ::__sanitizer_set_report_path(place.c_str());
  const std::string report = ::__sanitizer_get_report_path();
  ExpectDeath("defect", "executor-died");
  ::__sanitizer_set_report_path("stderr");
  std::ifstream file(report);
  const std::string found((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::filesystem::remove(report);
  EXPECT_THAT(found, AllOf(HasSubstr("Sanitizer: "), HasSubstr("SUMMARY")));
}
#endif

TEST(Worker, WipesItsEnvironmentFromMemory) {
  const std::string command = fmt::format("SECRET=hunter2 KEPT=here {}", SANDBOX_TEST_SCRUBBED);
  FILE* const out = ::popen(command.c_str(), "r");
  ASSERT_NE(out, nullptr);
  char line[200] = {};
  EXPECT_NE(std::fgets(line, sizeof line, out), nullptr);
  EXPECT_EQ(::pclose(out), 0);
  EXPECT_STREQ(line, "kept=here secret=false shown=false hidden=true\n");
}

}  // namespace
}  // namespace sandbox
