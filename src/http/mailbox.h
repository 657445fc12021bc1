// Where an answer waits for its session. Handlers keep the sending end for as long as they like, so both ends may go
// first: a letter to a session that is gone is dropped. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "http/message.h"

namespace http {

class Mailbox {
 public:
  // An empty optional says that the handler let go of its Respond without answering.
  using Letter = std::optional<Response>;

  void Put(Letter letter) {
    const std::lock_guard lock(mutex_);
    if (closed_ || full_) return;
    full_ = true;
    letter_ = std::move(letter);
    if (wake_) wake_();  // under the mutex: Close returns only when no wake is under way
  }
  [[nodiscard]] bool full() {
    const std::lock_guard lock(mutex_);
    return full_;
  }
  // False when the answer is there already; else `wake` is called once it is, from the thread that answers.
  [[nodiscard]] bool WaitWith(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    if (full_) return false;
    wake_ = std::move(wake);
    return true;
  }
  [[nodiscard]] Letter Take() {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
    return std::move(letter_);
  }
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    wake_ = nullptr;
    letter_.reset();
  }

 private:
  std::mutex mutex_;
  Letter letter_;               // guarded by mutex_
  std::function<void()> wake_;  // guarded by mutex_
  bool full_ = false;           // guarded by mutex_
  bool closed_ = false;         // guarded by mutex_
};

// The handler's end: answers once, and tells when it is dropped unused.
class ReplySlot {
 public:
  explicit ReplySlot(std::shared_ptr<Mailbox> mailbox) : mailbox_(std::move(mailbox)) {}
  ReplySlot(ReplySlot&&) noexcept = default;
  ReplySlot& operator=(ReplySlot&&) = delete;
  ReplySlot(const ReplySlot&) = delete;
  ReplySlot& operator=(const ReplySlot&) = delete;
  ~ReplySlot() {
    if (mailbox_) mailbox_->Put(std::nullopt);
  }
  void operator()(Response response) {
    const std::shared_ptr<Mailbox> mailbox = std::move(mailbox_);
    if (mailbox) mailbox->Put(std::move(response));
  }

 private:
  std::shared_ptr<Mailbox> mailbox_;
};

// A wake for a BodyStream, which may call it for ever after. Thread-safe.
class Waker {
 public:
  explicit Waker(std::function<void()> wake) : wake_(std::move(wake)) {}
  void Wake() {
    const std::lock_guard lock(mutex_);
    if (wake_) wake_();
  }
  void Close() {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
  }

 private:
  std::mutex mutex_;
  std::function<void()> wake_;  // guarded by mutex_
};

}  // namespace http
