#include "http/exchange.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

#include "base/log.h"

namespace http {

FileReader::~FileReader() {
  if (fd_ >= 0) ::close(fd_);
}

base::Status FileReader::Open(const FileBody& body) {
  fd_ = ::open(body.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO must not hang us
  struct stat info{};
  if (fd_ < 0 || ::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
    return base::Fail(base::Code::kInternal, "A file to be served is not there", "file-gone");
  }
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (body.offset > size || body.length > size - body.offset) {
    return base::Fail(base::Code::kInternal, "A file to be served is shorter than expected", "file-gone");
  }
  at_ = body.offset;
  left_ = body.length;
  return {};
}

void FileReader::Read(std::string& piece) {
  piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left_, kFilePieceBytes)));
  std::size_t have = 0;
  while (have < piece.size()) {
    const ssize_t got = ::pread(fd_, piece.data() + have, piece.size() - have, static_cast<off_t>(at_ + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      failed_ = true;
      return;
    }
    have += static_cast<std::size_t>(got);
  }
  at_ += have;
  left_ -= have;
}

Exchange::Exchange(ParsedHead head, Handler& handler)
    : head_(std::move(head)), handler_(handler), mailbox_(std::make_shared<Mailbox>()) {}

void Exchange::SetAnswer(Response answer) {
  answer_ = std::move(answer);
  answered_ = true;
}

Response Exchange::Defect() const {
  return handler_.Malformed({.code = base::Code::kInternal, .message = "The request could not be served"});
}

// A handler that throws is our defect; it must not take the connection's coroutine, or the process, with it.
template <typename Function>
void Exchange::Guarded(Function function) {
  try {
    function();
  } catch (const std::exception& e) {
    base::LogError("http-handler-threw", {{"what", e.what()}, {"method", head_.request.method}});
    SetAnswer(Defect());
  } catch (...) {
    base::LogError("http-handler-threw", {{"method", head_.request.method}});
    SetAnswer(Defect());
  }
}

std::string_view Exchange::WholeBody(std::string_view buffered) const {
  const std::uint64_t length = head_.request.content_length.value_or(0);
  if (head_.chunked || length > kSmallBodyBytes || length > buffered.size()) return {};
  return buffered.substr(0, static_cast<std::size_t>(length));
}

void Exchange::Begin(std::string_view whole) {
  const std::uint64_t length = head_.request.content_length.value_or(0);
  const bool complete = !head_.chunked && whole.size() == length;
  if (complete) {
    body_done_ = true;
    read_ = length;
  }
  Guarded([&] {
    plan_ = handler_.Begin(head_.request);
    if (plan_.refuse) {
      SetAnswer(std::move(*plan_.refuse));
    } else if (!plan_.call) {
      SetAnswer(Defect());
    } else if (length > plan_.max_body_bytes) {
      SetAnswer(plan_.call->Fail(LimitError()));
    } else if (complete) {
      if (!whole.empty()) {
        if (auto status = plan_.call->Write(whole); !status) {
          SetAnswer(plan_.call->Fail(status.error()));
          return;
        }
      }
      Finish();
    }
  });
}

void Exchange::Write(std::string_view piece, Part part) {
  Guarded([&] {
    if (!piece.empty()) {
      if (auto status = plan_.call->Write(piece); !status) {
        SetAnswer(plan_.call->Fail(status.error()));
        body_done_ = part == Part::kLast;
        return;
      }
    }
    if (part == Part::kMore) return;
    body_done_ = true;
    Finish();
  });
}

// Most handlers answer at once: then the reply is taken here and nobody has to be woken.
void Exchange::Finish() {
  plan_.call->Finish(ReplySlot(mailbox_));
  if (mailbox_->full()) TakeReply();
}

void Exchange::FailBody(const base::Error& error) {
  malformed_ = true;
  Guarded([&] { SetAnswer(plan_.call->Fail(error)); });
}

void Exchange::OpenFile(const FileBody& body, FileReader& file) {
  if (auto status = file.Open(body); !status) {
    base::LogError("http-file-gone", {{"path", body.path}});
    SetAnswer(handler_.Malformed(status.error()));
  }
}

base::Error Exchange::LimitError() const {
  return {.code = base::Code::kTooLarge,
          .message = fmt::format("The body is larger than {} bytes", plan_.max_body_bytes),
          .reason = "body-too-large"};
}

std::uint64_t Exchange::unread() const {
  const std::uint64_t length = head_.request.content_length.value_or(0);
  return length > read_ ? length - read_ : 0;
}

void Exchange::TakeReply() {
  Mailbox::Letter letter = mailbox_->Take();
  SetAnswer(letter ? std::move(*letter) : Defect());
}

void Exchange::Abandon() {
  Guarded([&] { plan_.call->Abandoned(); });
}

void Exchange::AnswerMalformed(const base::Error& error) {
  malformed_ = true;
  SetAnswer(handler_.Malformed(error));
}

// Where the next request would start is not known, or is too far away.
bool Exchange::MustClose() const {
  if (malformed_ || !head_.keep_alive) return true;
  if (body_done_) return false;
  const bool client_may_hold_back = head_.expects_continue && !continued_;
  return head_.chunked || client_may_hold_back || unread() > kDrainBytes;
}

AnswerPlan Exchange::PlanAnswer(bool draining) const {
  AnswerPlan plan;
  plan.has_body = !head_.head_only && StatusHasBody(answer_.status);
  if (const auto text = answer_.text()) {
    plan.shape.length = text->size();
  } else if (const auto* file = std::get_if<FileBody>(&answer_.body)) {
    plan.shape.length = file->length;
  } else {
    plan.shape.framing = head_.http10 ? Framing::kUntilClose : Framing::kChunked;
  }
  const bool close = draining || MustClose() || plan.shape.framing == Framing::kUntilClose;
  const Persistence stay = head_.http10 ? Persistence::kKeepAliveNamed : Persistence::kKeepAlive;
  plan.shape.persistence = close ? Persistence::kClose : stay;
  return plan;
}

void Exchange::Release() {
  mailbox_->Close();
  answer_ = Response();
  plan_.call.reset();
}

}  // namespace http
