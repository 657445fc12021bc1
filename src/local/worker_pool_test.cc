#include "local/worker_pool.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include "http/client.h"
#include "local/temp_folder.h"
#include "wire/chunk_codec.h"

namespace local {
namespace {

using ports::LeaseId;
using ports::WorkerEnd;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::chrono::seconds kPatience{60};  // of every wait: only a failure takes so long

// Gives out chunks whose parameters are told to the worker, and keeps how each lease ended.
class FakeSource final : public ports::WorkSource {
 public:
  struct End {
    bool answered = false;
    WorkerEnd end = WorkerEnd::kPlatform;
    std::string detail;
    ports::ChunkAnswer answer;
  };

  LeaseId Add(std::string order, milliseconds deadline = std::chrono::seconds(60)) {
    std::function<void()> wake;
    LeaseId id = 0;
    {
      const std::lock_guard lock(mutex_);
      id = ++last_;
      Lease lease{.id = id, .chunk = {}, .deadline = deadline};
      lease.chunk.work_class = "data";
      lease.chunk.params_json = std::move(order);
      lease.chunk.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
      waiting_.push_back(std::move(lease));
      wake = wake_;
    }
    if (wake) wake();
    return id;
  }
  void Cancel(LeaseId lease) {
    std::function<void()> wake;
    {
      const std::lock_guard lock(mutex_);
      unwanted_.insert(lease);
      wake = wake_;
    }
    wake();
  }
  End Wait(LeaseId lease) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return ends_.contains(lease); })) << "lease " << lease;
    const auto found = ends_.find(lease);
    return found == ends_.end() ? End{} : found->second;
  }
  std::size_t EndsOf(LeaseId lease) {
    const std::lock_guard lock(mutex_);
    return ends_.count(lease);
  }
  std::size_t ends() {
    const std::lock_guard lock(mutex_);
    return ends_.size();
  }

  std::optional<Lease> Take(const std::vector<job::WorkClass>&) override {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return std::nullopt;
    Lease lease = std::move(waiting_.front());
    waiting_.pop_front();
    return lease;
  }
  void Answered(LeaseId lease, ports::ChunkAnswer answer) override {
    Put(lease, {.answered = true, .detail = {}, .answer = std::move(answer)});
  }
  void Lost(LeaseId lease, WorkerEnd end, std::string_view detail) override {
    Put(lease, {.end = end, .detail = std::string(detail), .answer = {}});
  }
  bool Wanted(LeaseId lease) const override {
    const std::lock_guard lock(mutex_);
    return !unwanted_.contains(lease);
  }
  std::size_t Ready(const job::WorkClass&, std::size_t enough) const override {
    const std::lock_guard lock(mutex_);
    return std::min(enough, waiting_.size());
  }
  void OnChange(std::function<void()> wake) override {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }

 private:
  void Put(LeaseId lease, End end) {
    {
      const std::lock_guard lock(mutex_);
      ends_.emplace(lease, std::move(end));
    }
    changed_.notify_all();
  }
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> wake_;
  std::deque<Lease> waiting_;
  std::set<LeaseId> unwanted_;
  std::multimap<LeaseId, End> ends_;
  LeaseId last_ = 0;
};

// A Lambda runtime that does what the record's body says.
constexpr std::string_view kScript = R"PY(
import http.client, json, os, sys, time, signal
if os.environ.get("UBERTOONS_ORDER") == "die": sys.exit(3)
host, _, path = os.environ["AWS_LAMBDA_RUNTIME_API"].partition("/")
base = "/" + path + "/2018-06-01/runtime/invocation/"
api = http.client.HTTPConnection(host)
def send(method, path, body=None, headers={}):
    api.request(method, path, body, headers)
    answer = api.getresponse()
    return answer, answer.read()
while True:
    head, body = send("GET", base + "next")
    if head.status != 200: sys.exit(0)
    request = head.headers["Lambda-Runtime-Aws-Request-Id"]
    order = json.loads(body)["Records"][0]["body"]
    verb, _, rest = order.partition(" ")
    if verb == "exit": os._exit(7)
    if verb == "hang":
        with open(rest + ".part", "w") as f: f.write(str(os.getpid()))
        os.rename(rest + ".part", rest)
        while True: signal.pause()
    if verb == "grow":
        hog = b"x" * (int(rest) << 20)
        while True: signal.pause()
    if verb == "error":
        send("POST", base + request + "/error", json.dumps({"errorMessage": rest, "errorType": "Odd"}))
        continue
    if verb == "again": continue
    if verb == "stranger":
        wrong, _ = send("POST", base + "other/response", b"x")
        reply = str(wrong.status)
    elif verb == "env": reply = json.dumps({"env": dict(os.environ), "cwd": os.getcwd(), "head": dict(head.headers), "fds": sorted(os.listdir("/proc/self/fd"))})
    elif verb == "pid": reply = str(os.getpid())
    else: reply = order
    done, _ = send("POST", base + request + "/response", reply.encode())
    assert done.status == 202, done.status
)PY";

class WorkerPoolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(folder_.path() + "/worker.py") << kScript;
    spec_ = {.name = "scripted",
             .classes = {"data"},
             .command = {"python3", folder_.path() + "/worker.py"},
             .max_workers = 2,
             .encode = [](const auto& lease) -> base::Result<std::string> { return lease.chunk.params_json; },
             .decode = [](const auto&, const std::string& body) -> base::Result<ports::ChunkAnswer> {
               ports::ChunkAnswer answer;
               answer.partials.push_back({.reducer = "reply", .bytes = body});
               return answer;
             }};
    options_.start_backoff = milliseconds(1);
    options_.start_backoff_cap = milliseconds(5);
  }
  void Start() {
    auto pool = WorkerPool::Start(source_, {spec_}, options_, clock_, random_);
    ASSERT_TRUE(pool) << pool.error().message;
    pool_ = std::move(*pool);
  }
  std::string Reply(LeaseId lease) {
    const FakeSource::End end = source_.Wait(lease);
    EXPECT_TRUE(end.answered) << end.detail;
    return end.answer.partials.empty() ? "" : end.answer.partials[0].bytes;
  }
  // Lets the pool's own threads go on until `done`.
  template <typename Done>
  bool Until(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      ::usleep(2000);
    }
    return true;
  }
  pid_t HangingPid(const std::string& path) {
    EXPECT_TRUE(Until([&] { return std::filesystem::exists(path); }));
    pid_t pid = 0;
    std::ifstream(path) >> pid;
    return pid;
  }
  std::string Path(const char* name) { return folder_.path() + "/" + name; }

  TempFolder folder_;
  FakeSource source_;
  WorkerSpec spec_;
  WorkerPoolOptions options_;
  base::SystemClock clock_;
  base::SystemRandom random_;
  std::unique_ptr<WorkerPool> pool_;
};

TEST_F(WorkerPoolTest, ChunksAreAnsweredByWorkersStartedOnDemand) {
  Start();
  EXPECT_EQ(pool_->stats().started, 0U) << "nothing to do, nobody started";
  std::vector<LeaseId> leases;
  for (int i = 0; i < 50; ++i) leases.push_back(source_.Add(fmt::format("echo {}", i)));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(Reply(leases[static_cast<std::size_t>(i)]), fmt::format("echo {}", i));
  pool_->Drain(kPatience);
  for (const LeaseId lease : leases) EXPECT_EQ(source_.EndsOf(lease), 1U);
  EXPECT_LE(pool_->stats().started, 2U) << "one process serves many chunks";
  EXPECT_EQ(pool_->stats().alive, 0U);
}

TEST_F(WorkerPoolTest, AWorkerSeesLambdasEnvironmentAndNothingOfOurs) {
  ::setenv("UBERTOONS_TEST_SECRET", "hush", 1);
  spec_.environment["UBERTOONS_MINE"] = "given";
  Start();
  const std::string seen = Reply(source_.Add("env"));
  ::unsetenv("UBERTOONS_TEST_SECRET");
  EXPECT_THAT(seen, Not(HasSubstr("hush")));
  EXPECT_THAT(seen, HasSubstr("\"UBERTOONS_MINE\": \"given\""));
  EXPECT_THAT(seen, HasSubstr("\"AWS_LAMBDA_FUNCTION_NAME\": \"ubertoons-scripted\""));
  EXPECT_THAT(seen, HasSubstr("\"_HANDLER\": \"handler\""));
  EXPECT_THAT(seen, HasSubstr("Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"));
  EXPECT_THAT(seen, HasSubstr("Lambda-Runtime-Deadline-Ms"));
  // 0, 1, 2, its connection, and the folder being listed.
  EXPECT_THAT(seen, HasSubstr(R"("fds": ["0", "1", "2", "3", "4"])"));
}

TEST_F(WorkerPoolTest, AWorkerThatDiesLosesItsChunkAsCrashedAndAnotherGoesOn) {
  spec_.max_workers = 1;
  Start();
  const LeaseId bad = source_.Add("exit");
  const LeaseId good = source_.Add("echo after");
  const FakeSource::End end = source_.Wait(bad);
  EXPECT_FALSE(end.answered);
  EXPECT_EQ(end.end, WorkerEnd::kCrashed);
  EXPECT_THAT(end.detail, HasSubstr("exit status 7"));
  EXPECT_EQ(Reply(good), "echo after");
  EXPECT_EQ(pool_->stats().died, 1U);
}

TEST_F(WorkerPoolTest, AWorkerIsKilledAtTheDeadline) {
  Start();
  const LeaseId lease = source_.Add("hang " + Path("pid"), milliseconds(1500));
  const FakeSource::End end = source_.Wait(lease);
  EXPECT_EQ(end.end, WorkerEnd::kTimedOut);
  ASSERT_TRUE(Until([&] { return pool_->stats().alive == 0; }));
  EXPECT_EQ(pool_->stats().killed, 1U);
  EXPECT_EQ(source_.EndsOf(lease), 1U);
}

TEST_F(WorkerPoolTest, WorkThatIsNotWantedAnyMoreIsStopped) {
  Start();
  const LeaseId lease = source_.Add("hang " + Path("pid"));
  const pid_t pid = HangingPid(Path("pid"));
  ASSERT_GT(pid, 0);
  source_.Cancel(lease);
  EXPECT_EQ(source_.Wait(lease).end, WorkerEnd::kPlatform);
  EXPECT_TRUE(Until([&] { return ::kill(pid, 0) != 0; })) << "killed and reaped";
}

TEST_F(WorkerPoolTest, AWorkerThatGrowsPastTwiceItsMemoryIsKilled) {
  spec_.max_rss_mb = 60;
  Start();
  const FakeSource::End end = source_.Wait(source_.Add("grow 200"));
  EXPECT_EQ(end.end, WorkerEnd::kCrashed);
  EXPECT_THAT(end.detail, HasSubstr("memory"));
}

TEST_F(WorkerPoolTest, AnInvocationErrorIsReportedAndTheWorkerGoesOn) {
  spec_.max_workers = 1;
  Start();
  const FakeSource::End end = source_.Wait(source_.Add("error too odd"));
  EXPECT_EQ(end.end, WorkerEnd::kErrored);
  EXPECT_EQ(end.detail, "Odd: too odd");
  EXPECT_EQ(Reply(source_.Add("echo x")), "echo x");
  EXPECT_EQ(pool_->stats().started, 1U);
}

TEST_F(WorkerPoolTest, AskingForMoreWithoutAnAnswerLosesTheChunk) {
  Start();
  EXPECT_EQ(source_.Wait(source_.Add("again")).end, WorkerEnd::kErrored);
}

TEST_F(WorkerPoolTest, AnAnswerToAnotherInvocationIsRefused) {
  Start();
  EXPECT_EQ(Reply(source_.Add("stranger")), "400");
}

TEST_F(WorkerPoolTest, AnAnswerThatDoesNotDecodeIsAnError) {
  spec_.decode = [](const auto&, const std::string&) -> base::Result<ports::ChunkAnswer> {
    return base::Fail(base::Code::kInvalid, "not an answer");
  };
  Start();
  const FakeSource::End end = source_.Wait(source_.Add("echo"));
  EXPECT_EQ(end.end, WorkerEnd::kErrored);
  EXPECT_EQ(end.detail, "not an answer");
}

TEST_F(WorkerPoolTest, IdleWorkersAreStoppedAndComeBackWithWork) {
  options_.idle = milliseconds(50);
  spec_.max_workers = 1;
  Start();
  const std::string first = Reply(source_.Add("pid"));
  ASSERT_TRUE(Until([&] { return pool_->stats().alive == 0; })) << "scaled to zero";
  EXPECT_NE(Reply(source_.Add("pid")), first);
  EXPECT_EQ(pool_->stats().started, 2U);
  EXPECT_EQ(pool_->stats().died, 0U);
}

TEST_F(WorkerPoolTest, AnOldWorkerIsReplacedBetweenChunks) {
  options_.max_age = milliseconds(1);
  spec_.max_workers = 1;
  Start();
  const LeaseId one = source_.Add("pid");
  const LeaseId two = source_.Add("pid");
  EXPECT_NE(Reply(one), Reply(two));
  EXPECT_EQ(pool_->stats().died, 0U);
  EXPECT_EQ(pool_->stats().killed, 0U);
}

TEST_F(WorkerPoolTest, ACustomCommandThatNeverStartsFailsItsChunks) {
  spec_.command = {folder_.path() + "/absent"};
  Start();
  const FakeSource::End end = source_.Wait(source_.Add("echo"));
  EXPECT_EQ(end.end, WorkerEnd::kErrored);
  EXPECT_THAT(end.detail, HasSubstr("does not start"));
  EXPECT_EQ(pool_->stats().started, 0U);
}

TEST_F(WorkerPoolTest, ACustomCommandThatDiesAtOnceFailsItsChunks) {
  spec_.environment["UBERTOONS_ORDER"] = "die";
  Start();
  EXPECT_EQ(source_.Wait(source_.Add("echo")).end, WorkerEnd::kErrored);
  EXPECT_GE(pool_->stats().started, static_cast<std::uint64_t>(kStartFailuresToRefuse));
}

TEST_F(WorkerPoolTest, DrainLetsChunksEndAndKillsTheRest) {
  Start();
  const LeaseId hanging = source_.Add("hang " + Path("pid"));
  const pid_t pid = HangingPid(Path("pid"));
  pool_->Drain(milliseconds(100));
  EXPECT_EQ(source_.Wait(hanging).end, WorkerEnd::kPlatform);
  EXPECT_EQ(source_.EndsOf(hanging), 1U);
  EXPECT_NE(::kill(pid, 0), 0) << "reaped when Drain returns";
  const std::size_t before = source_.ends();
  source_.Add("echo late");
  pool_.reset();
  EXPECT_EQ(source_.ends(), before) << "nothing is taken any more";
}

TEST_F(WorkerPoolTest, BuiltInWorkersAreSpokenToInOurOwnFormats) {
  spec_.encode = nullptr;
  spec_.decode = nullptr;
  Start();
  // The script knows no such record and echoes it: an answer that is none of ours.
  EXPECT_EQ(source_.Wait(source_.Add("{}")).end, WorkerEnd::kErrored);
}

}  // namespace
}  // namespace local
