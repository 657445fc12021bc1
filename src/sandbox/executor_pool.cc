#include "sandbox/executor_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <numeric>
#include <optional>
#include <utility>

#include "base/log.h"
#include "sandbox/child.h"

namespace sandbox {

namespace {

constexpr std::chrono::seconds kVersionPatience{15};

std::unexpected<ports::ProcessorFailure> Refuse(ports::Blame blame, std::string code, std::string message) {
  return std::unexpected(
      ports::ProcessorFailure{.error = {.code = std::move(code), .message = std::move(message)}, .blame = blame});
}

base::Result<std::string> AskVersion(const std::string& program) {
  UT_TRY_ASSIGN(Process process,
                Process::Start(program, {std::string(kVersionOption)}, Process::Output::kStandardOutput));
  Channel channel(process);
  std::string text;
  const auto deadline = std::chrono::steady_clock::now() + kVersionPatience;
  if (channel.ReadAll(text, kMaxVersionBytes, deadline) != Channel::State::kOk) {
    return base::Fail(base::Code::kTimeout, fmt::format("{} --version does not end", program));
  }
  constexpr int kEndMilliseconds = 5'000;
  const End end = process.Await(kEndMilliseconds);
  text.erase(std::ranges::find(text, '\n'), text.end());
  if (end.signal != 0 || end.status != 0 || text.empty()) {
    return base::Fail(base::Code::kUnavailable, fmt::format("{} --version: {}", program, end.Text()));
  }
  return CleanText(text, kMaxVersionBytes);
}

class Pool final : public ports::Executor {
 public:
  explicit Pool(PoolOptions options) : options_(std::move(options)) { IgnoreBrokenPipes(); }

  [[nodiscard]] std::string version() override {
    if (!version_) {
      const auto version = AskVersion(options_.program);
      if (!version) base::LogWarn("executor-unavailable", {{"error", version.error().message}});
      version_ = version.value_or("unavailable");
    }
    return *version_;
  }

  [[nodiscard]] Answer Run(const ports::IsolatedTask& task) override {
    if (auto refusal = Refusal(task)) return std::unexpected(*std::move(refusal));
    try {
      return RunIn(task);
    } catch (const std::bad_alloc&) {  // of ours: a reply that this worker has no room for
      Forget(task.tenant);
      return Refuse(ports::Blame::kResource, "out-of-memory", "the worker has no memory for the result");
    }
  }

 private:
  struct Kept {
    std::string tenant;
    std::unique_ptr<Child> child;
  };

  [[nodiscard]] std::optional<ports::ProcessorFailure> Refusal(const ports::IsolatedTask& task) const;
  Answer RunIn(const ports::IsolatedTask& task);
  // The tenant's child, the last of kept_ afterwards.
  base::Result<Child*> Take(std::string_view tenant);
  base::Result<std::unique_ptr<Child>> Fresh();
  void StartSpare();
  void Forget(std::string_view tenant) {
    std::erase_if(kept_, [&](const Kept& kept) { return kept.tenant == tenant; });
  }

  const PoolOptions options_;  // children refer to it
  std::optional<std::string> version_;
  std::vector<Kept> kept_;        // the one used last is last
  std::unique_ptr<Child> spare_;  // nobody's yet; may still be starting
};

// What is refused without a child.
std::optional<ports::ProcessorFailure> Pool::Refusal(const ports::IsolatedTask& task) const {
  const std::uint64_t most = options_.limits.max_input_bytes;
  std::uint64_t total = 0;
  for (const std::string_view input : task.inputs) total += input.size();
  std::size_t asked = 0;
  for (const ports::Operation& operation : *task.operations)
    asked += operation.name.size() + operation.params_json.size();
  ports::ProcessorFailure failure;
  failure.error.code = "source-too-large";
  if (total > most) {
    failure.error.message = fmt::format("{} bytes, {} may be decoded (maxMediaBytes)", total, most);
  } else if (task.inputs.size() > job::kMaxSheetTiles) {
    failure.error.message = fmt::format("{} inputs, {} may be", task.inputs.size(), job::kMaxSheetTiles);
  } else if (asked > kMaxOperationBytes) {
    failure.error.message = fmt::format("operations of {} bytes, {} may be", asked, kMaxOperationBytes);
  } else {
    return std::nullopt;
  }
  return failure;
}

Answer Pool::RunIn(const ports::IsolatedTask& task) {
  const auto child = Take(task.tenant);
  if (!child) {
    const bool here = child.error().code == base::Code::kUnsupported;
    return Refuse(here ? ports::Blame::kResource : ports::Blame::kPlatform, "isolation-unavailable",
                  child.error().message);
  }
  auto answer = (*child)->Run(task);
  if ((*child)->ended() || (*child)->tasks() >= job::kMaxToonsPerExecutor ||
      (*child)->ResidentBytes() > job::kExecutorRecycleBytes) {
    kept_.pop_back();
  }
  return answer;
}

base::Result<Child*> Pool::Take(std::string_view tenant) {
  const auto found = std::ranges::find(kept_, tenant, &Kept::tenant);
  if (found != kept_.end() && found->child->Usable()) {
    std::rotate(found, found + 1, kept_.end());
    return kept_.back().child.get();
  }
  if (found != kept_.end()) kept_.erase(found);
  if (kept_.size() >= job::kMaxTenantExecutors) kept_.erase(kept_.begin());
  UT_TRY_ASSIGN(auto child, Fresh());
  kept_.push_back({.tenant = std::string(tenant), .child = std::move(child)});
  StartSpare();
  return kept_.back().child.get();
}

base::Result<std::unique_ptr<Child>> Pool::Fresh() {
  // Its hello may lie in the pipe although it has died since.
  if (auto spare = std::move(spare_); spare && spare->Greet() && spare->Usable()) return spare;
  UT_TRY_ASSIGN(auto child, Child::Start(options_));
  UT_TRY_ASSIGN(const Hello hello, child->Greet());
  return child;
}

void Pool::StartSpare() {
  auto spare = Child::Start(options_);
  if (spare) {
    spare_ = *std::move(spare);
  } else {
    base::LogWarn("executor-unavailable", {{"error", spare.error().message}});
  }
}

}  // namespace

std::unique_ptr<ports::Executor> NewExecutorPool(PoolOptions options) {
  return std::make_unique<Pool>(std::move(options));
}

}  // namespace sandbox
