#include "flow/background.h"

#include <utility>

namespace flow {

void Background::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Loop(stop); });
}

void Background::Stop() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  const std::lock_guard lock(mutex_);
  tasks_.clear();
}

void Background::At(base::SteadyPoint time, Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.emplace(time, std::move(task));
  }
  changed_.notify_one();
}

std::size_t Background::RunDue() {
  std::size_t ran = 0;
  while (true) {
    Task task;
    {
      const std::lock_guard lock(mutex_);
      if (tasks_.empty() || tasks_.begin()->first > clock_.Steady()) return ran;
      task = std::move(tasks_.begin()->second);
      tasks_.erase(tasks_.begin());
    }
    task();
    ++ran;
  }
}

void Background::Loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      while (!stop.stop_requested() && (tasks_.empty() || tasks_.begin()->first > clock_.Steady())) {
        if (tasks_.empty()) {
          changed_.wait(lock, stop, [&] { return !tasks_.empty(); });
        } else {
          const base::SteadyPoint due = tasks_.begin()->first;
          changed_.wait_until(lock, stop, due, [&] { return tasks_.empty() || tasks_.begin()->first < due; });
        }
      }
      if (stop.stop_requested()) return;
      task = std::move(tasks_.begin()->second);
      tasks_.erase(tasks_.begin());
    }
    task();
  }
}

}  // namespace flow
