// Writes JSON piece by piece: commas are put where they belong. Output only; the caller balances Begin and End.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <concepts>
#include <iterator>
#include <string>
#include <string_view>

#include "base/log.h"

namespace processors {

class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view key) {
    Comma();
    base::AppendJsonString(out_, key);
    out_ += ':';
    fresh_ = true;
    return *this;
  }
  JsonWriter& Text(std::string_view text) {
    Comma();
    base::AppendJsonString(out_, text);
    return *this;
  }
  // The shortest text that reads back as the same double; null for what JSON has no number for.
  JsonWriter& Number(double number) {
    Comma();
    if (std::isfinite(number)) {
      fmt::format_to(std::back_inserter(out_), "{}", number == 0 ? 0 : number);
    } else {
      out_ += "null";
    }
    return *this;
  }
  JsonWriter& Integer(std::integral auto number) {
    Comma();
    fmt::format_to(std::back_inserter(out_), "{}", number);
    return *this;
  }
  JsonWriter& Boolean(bool value) { return Raw(value ? "true" : "false"); }
  JsonWriter& Null() { return Raw("null"); }
  JsonWriter& Raw(std::string_view json) {
    Comma();
    out_ += json;
    return *this;
  }
  [[nodiscard]] std::size_t size() const { return out_.size(); }
  [[nodiscard]] std::string Take() && { return std::move(out_); }

 private:
  JsonWriter& Open(char bracket) {
    Comma();
    out_ += bracket;
    fresh_ = true;
    return *this;
  }
  JsonWriter& Close(char bracket) {
    out_ += bracket;
    fresh_ = false;
    return *this;
  }
  void Comma() {
    if (!fresh_) out_ += ',';
    fresh_ = false;
  }

  std::string out_;
  bool fresh_ = true;
};

}  // namespace processors
