// One request and its answer as a state that knows nothing of sockets: which of the handler's functions is called when,
// and how the answer is framed. Used by one thread at a time: the session's, or a pool thread while the session waits
// for it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/mailbox.h"
#include "http/message.h"
#include "http/request_parser.h"
#include "http/response_head.h"

namespace http {

inline constexpr std::uint64_t kSmallBodyBytes = 64 * 1024;  // such bodies take one trip to the pool
inline constexpr std::uint64_t kDrainBytes = 64 * 1024;      // unread rest of a body that is read to keep a connection
inline constexpr std::size_t kFilePieceBytes = 256 * 1024;

enum class Part : std::uint8_t { kMore, kLast };

// A range of a file, read in pieces. Blocks; on the pool.
class FileReader {
 public:
  FileReader() = default;
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;
  // kNotFound: it is not there, not a file, or shorter than the range.
  [[nodiscard]] base::Status Open(const FileBody& body);
  void Read(std::string& piece);  // the next piece; failed() when the file has shrunk
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::uint64_t left() const { return left_; }

 private:
  int fd_ = -1;
  std::uint64_t at_ = 0;
  std::uint64_t left_ = 0;
  bool failed_ = false;
};

struct AnswerPlan {
  HeadShape shape;
  bool has_body = true;
};

class Exchange {
 public:
  Exchange(ParsedHead head, Handler& handler);

  // The body when it is small, of known length and wholly within `buffered`; else an empty view.
  [[nodiscard]] std::string_view WholeBody(std::string_view buffered) const;

  // ---- on the pool; exceptions of handlers become a 500 ----
  void Begin(std::string_view whole);  // and, when the body is there (or there is none), everything else
  void Write(std::string_view piece, Part part);
  void FailBody(const base::Error& error);
  void OpenFile(const FileBody& body, FileReader& file);

  // ---- on the session's thread ----
  void SetContinued() { continued_ = true; }
  void CountRead(std::uint64_t bytes) { read_ += bytes; }
  [[nodiscard]] bool OverLimit() const { return read_ > plan_.max_body_bytes; }
  [[nodiscard]] base::Error LimitError() const;
  [[nodiscard]] const ParsedHead& head() const { return head_; }
  [[nodiscard]] bool body_done() const { return body_done_; }  // all of it was handed over
  [[nodiscard]] bool answered() const { return answered_; }    // the answer is known
  [[nodiscard]] std::uint64_t unread() const;                  // of a body of known length
  [[nodiscard]] std::shared_ptr<Mailbox> mailbox() const { return mailbox_; }
  void TakeReply();
  void Abandon();
  void AnswerMalformed(const base::Error& error);
  [[nodiscard]] Response& answer() { return answer_; }
  [[nodiscard]] AnswerPlan PlanAnswer(bool draining) const;
  void Release();  // lets go of the call

 private:
  void SetAnswer(Response answer);
  [[nodiscard]] Response Defect() const;
  [[nodiscard]] bool MustClose() const;
  void Finish();
  template <typename Function>
  void Guarded(Function function);

  ParsedHead head_;
  Handler& handler_;
  Handler::Plan plan_;
  std::shared_ptr<Mailbox> mailbox_;
  Response answer_;  // once answered_
  bool answered_ = false;
  std::uint64_t read_ = 0;
  bool body_done_ = false;
  bool continued_ = false;
  bool malformed_ = false;
};

}  // namespace http
