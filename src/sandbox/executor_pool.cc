#include "sandbox/executor_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <numeric>
#include <optional>
#include <utility>

#include "base/log.h"
#include "sandbox/admission.h"
#include "sandbox/child.h"
#include "sandbox/warm_children.h"

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
    } catch (const std::bad_alloc&) {  // of ours: a reply that this worker has no room for; its child is gone
      return Refuse(ports::Blame::kResource, "out-of-memory", "the worker has no memory for the result");
    }
  }

 private:
  [[nodiscard]] std::optional<ports::ProcessorFailure> Refusal(const ports::IsolatedTask& task) const;
  Answer RunIn(const ports::IsolatedTask& task);

  const PoolOptions options_;  // children refer to it
  std::optional<std::string> version_;
  WarmChildren warm_{options_};
  Admission admission_{options_};
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
  if (auto refused = admission_.Enter(task, warm_)) return std::unexpected(*std::move(refused));
  std::unique_ptr<Child> child;
  // Whatever happens, what was taken is given back.
  const auto settle = [&](void*) { warm_.Keep(task.tenant, std::move(child)); };
  const std::unique_ptr<void, decltype(settle)> settled(this, settle);
  auto taken = warm_.Take(task.tenant);
  if (!taken) {
    const bool here = taken.error().code == base::Code::kUnsupported;
    return Refuse(here ? ports::Blame::kResource : ports::Blame::kPlatform, "isolation-unavailable",
                  taken.error().message);
  }
  // Not settled before it has answered: one that was left half way is never used again.
  std::unique_ptr<Child> running = *std::move(taken);
  admission_.Begin(*running);
  Answer answer = running->Run(task);
  admission_.End(*running, answer);
  child = std::move(running);
  return answer;
}

}  // namespace

std::unique_ptr<ports::Executor> NewExecutorPool(PoolOptions options) {
  return std::make_unique<Pool>(std::move(options));
}

}  // namespace sandbox
