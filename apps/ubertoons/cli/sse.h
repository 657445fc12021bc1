// Server-sent events as browsers read them: https://html.spec.whatwg.org/multipage/server-sent-events.html
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace cli {

struct Event {
  std::string type = "message";
  std::string data;
  std::string last_id;
};

// Takes a stream in pieces of any size; keeps the last event id across Restart, as a resumed stream needs it.
class SseParser {
 public:
  using Sink = std::function<void(const Event&)>;
  explicit SseParser(Sink sink) : sink_(std::move(sink)) {}
  // false once a line or an event is over kMaxEventBytes: the stream is not to be read on.
  [[nodiscard]] bool Write(std::string_view piece);
  void Restart();  // a new connection: what was half read is dropped
  [[nodiscard]] const std::string& last_id() const { return last_id_; }
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry() const { return retry_; }

  static constexpr std::size_t kMaxEventBytes = 8U << 20U;

 private:
  void TakeLine(std::string_view line);
  void TakeField(std::string_view name, std::string_view value);
  void Dispatch();

  Sink sink_;
  std::string line_;
  std::string data_;
  std::string type_;
  std::string last_id_;
  std::optional<std::chrono::milliseconds> retry_;
  bool first_line_ = true;  // may start with a byte order mark
  bool after_cr_ = false;   // a line feed now belongs to the line that ended
};

}  // namespace cli
