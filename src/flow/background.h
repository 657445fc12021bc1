// A thread that runs tasks, at once or at a time. Tasks must not block for long. Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/clock.h"

namespace flow {

class Background {
 public:
  using Task = std::function<void()>;
  explicit Background(const base::Clock& clock) : clock_(clock) {}
  ~Background() { Stop(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  void Start();  // without it, RunDue runs the tasks (tests with a clock of their own)
  void Stop();   // drops what has not run; waits for the task at hand
  void Now(Task task) { At(base::SteadyPoint::min(), std::move(task)); }
  void At(base::SteadyPoint time, Task task);
  // Runs everything that is due, on the caller's thread; answers how many tasks ran.
  std::size_t RunDue();

 private:
  void Loop(const std::stop_token& stop);

  const base::Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::multimap<base::SteadyPoint, Task> tasks_;  // guarded by mutex_
  std::jthread thread_;
};

}  // namespace flow
