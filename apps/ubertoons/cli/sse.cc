#include "cli/sse.h"

#include <charconv>

namespace cli {

bool SseParser::Write(std::string_view piece) {
  for (const char c : piece) {
    if (c == '\n' && after_cr_) {
      after_cr_ = false;
      continue;
    }
    after_cr_ = c == '\r';
    if (c == '\n' || c == '\r') {
      TakeLine(line_);
      line_.clear();
    } else {
      line_ += c;
    }
    if (line_.size() + data_.size() > kMaxEventBytes) return false;
  }
  return true;
}

void SseParser::Restart() {
  line_.clear();
  data_.clear();
  type_.clear();
  first_line_ = true;
  after_cr_ = false;
}

void SseParser::TakeLine(std::string_view line) {
  if (first_line_ && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  first_line_ = false;
  if (line.empty()) {
    Dispatch();
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == 0) return;  // a comment: the keepalive
  std::string_view value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  TakeField(line.substr(0, colon), value);
}

void SseParser::TakeField(std::string_view name, std::string_view value) {
  if (name == "data") {
    data_ += value;
    data_ += '\n';
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) last_id_ = value;
  } else if (name == "retry") {
    constexpr int kLongestRetryMs = 60'000;
    int millis = 0;
    const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), millis);
    if (ec == std::errc() && end == value.data() + value.size() && millis >= 0 && millis <= kLongestRetryMs) {
      retry_ = std::chrono::milliseconds(millis);
    }
  }
}

void SseParser::Dispatch() {
  if (!data_.empty()) {
    data_.pop_back();
    sink_(Event{.type = type_.empty() ? "message" : type_, .data = data_, .last_id = last_id_});
  }
  data_.clear();
  type_.clear();
}

}  // namespace cli
