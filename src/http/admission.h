// What a server may hold at one time, counted over all its connections. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace http {

// Connections by the client's address.
class AddressCounts {
 public:
  // Counts one more and answers how many there are now.
  std::size_t Add(const std::string& address) {
    const std::lock_guard lock(mutex_);
    return ++counts_[address];
  }
  void Remove(const std::string& address) {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(address);
    if (found != counts_.end() && --found->second == 0) counts_.erase(found);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> counts_;  // guarded by mutex_
};

// Bytes of memory that large bodies under way may take together.
class Budget {
 public:
  explicit Budget(std::uint64_t bytes) : left_(bytes) {}

  // A part of the budget, given back when it goes. The budget outlives it.
  class Share {
   public:
    Share(Budget& budget, std::uint64_t bytes) : budget_(&budget), bytes_(bytes) {}
    Share(Share&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    Share& operator=(Share&&) = delete;
    ~Share() {
      if (budget_ != nullptr) budget_->left_.fetch_add(bytes_);
    }

   private:
    Budget* budget_;
    std::uint64_t bytes_;
  };

  // nullopt when less is left.
  [[nodiscard]] std::optional<Share> Take(std::uint64_t bytes) {
    std::uint64_t left = left_.load();
    do {
      if (left < bytes) return std::nullopt;
    } while (!left_.compare_exchange_weak(left, left - bytes));
    return std::optional<Share>(std::in_place, *this, bytes);
  }
  [[nodiscard]] std::uint64_t left() const { return left_.load(); }

 private:
  std::atomic<std::uint64_t> left_;
};

}  // namespace http
