#include "aws/dynamodb_item.h"

#include <charconv>
#include <utility>

#include "base/hash.h"
#include "base/log.h"

namespace aws {

namespace {

void AppendValue(std::string& out, const Value& value);

struct Appender {
  std::string& out;

  void operator()(Null) const { out += R"({"NULL":true})"; }
  void operator()(bool value) const { out += value ? R"({"BOOL":true})" : R"({"BOOL":false})"; }
  void operator()(const std::string& text) const { Wrap("S", text); }
  void operator()(const Number& number) const { Wrap("N", number.text); }
  void operator()(const Binary& binary) const { Wrap("B", base::ToBase64(binary.bytes)); }
  void operator()(const Texts& texts) const {
    out += R"({"SS":[)";
    for (const std::string& text : texts) {
      if (!out.ends_with('[')) out += ',';
      base::AppendJsonString(out, text);
    }
    out += "]}";
  }
  void operator()(const std::vector<Value>& list) const {
    out += R"({"L":[)";
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out += ',';
      AppendValue(out, list[i]);
    }
    out += "]}";
  }
  void operator()(const Item& item) const {
    out += R"({"M":)";
    AppendItem(out, item);
    out += '}';
  }

 private:
  void Wrap(const char* kind, const std::string& text) const {
    out.append("{\"").append(kind).append("\":");
    base::AppendJsonString(out, text);
    out += '}';
  }
};

void AppendValue(std::string& out, const Value& value) {
  std::visit(Appender{out}, value.of);
}

std::unexpected<base::Error> Unknown() {
  return base::Fail(base::Code::kCorrupt, "An item holds a value of no known kind");
}

base::Result<Value> ReadValue(const wire::Element& element);

base::Result<Value> ReadList(const wire::Element& element) {
  wire::Array array;
  if (element.get(array) != simdjson::SUCCESS) return Unknown();
  std::vector<Value> list;
  for (const wire::Element member : array) {
    UT_TRY_ASSIGN(Value value, ReadValue(member));
    list.push_back(std::move(value));
  }
  return Value{std::move(list)};
}

base::Result<Value> ReadTexts(const wire::Element& element) {
  wire::Array array;
  if (element.get(array) != simdjson::SUCCESS) return Unknown();
  Texts texts;
  for (const wire::Element member : array) {
    std::string_view text;
    if (member.get(text) != simdjson::SUCCESS) return Unknown();
    texts.emplace(text);
  }
  return Value{std::move(texts)};
}

base::Result<Value> ReadString(std::string_view kind, std::string_view text) {
  if (kind == "S") return Value{std::string(text)};
  if (kind == "N") return Value{Number{std::string(text)}};
  auto bytes = base::FromBase64(text);
  if (kind != "B" || !bytes) return Unknown();
  return Value{Binary{std::move(*bytes)}};
}

// {"S": ...}: one member whose name is the kind. Nesting is bounded by the parser.
base::Result<Value> ReadValue(const wire::Element& element) {
  wire::Object object;
  if (element.get(object) != simdjson::SUCCESS || object.size() != 1) return Unknown();
  const auto [kind, inner] = *object.begin();
  std::string_view text;
  if (inner.get(text) == simdjson::SUCCESS) return ReadString(kind, text);
  bool flag = false;
  if (inner.get(flag) == simdjson::SUCCESS) {
    if (kind == "NULL") return Value{Null{}};
    if (kind == "BOOL") return Value{flag};
    return Unknown();
  }
  if (kind == "L") return ReadList(inner);
  if (kind == "SS") return ReadTexts(inner);
  wire::Object map;
  if (kind != "M" || inner.get(map) != simdjson::SUCCESS) return Unknown();
  UT_TRY_ASSIGN(Item item, ReadItem(map));
  return Value{std::move(item)};
}

}  // namespace

bool Value::operator==(const Value&) const = default;

void AppendItem(std::string& out, const Item& item) {
  out += '{';
  bool first = true;
  for (const auto& [name, value] : item) {
    if (!std::exchange(first, false)) out += ',';
    base::AppendJsonString(out, name);
    out += ':';
    AppendValue(out, value);
  }
  out += '}';
}

base::Result<Item> ReadItem(const wire::Object& object) {
  Item item;
  for (const auto& [name, element] : object) {
    UT_TRY_ASSIGN(Value value, ReadValue(element));
    item.emplace(name, std::move(value));
  }
  return item;
}

std::string ItemJson(const Item& item) {
  std::string out;
  AppendItem(out, item);
  return out;
}

base::Result<Item> ItemOfJson(std::string_view text) {
  wire::StrictParser parser;
  const auto root = parser.Parse(text);
  wire::Object object;
  if (!root || root->get(object) != simdjson::SUCCESS) {
    return base::Fail(base::Code::kCorrupt, "An item is not a JSON object");
  }
  return ReadItem(object);
}

Value TextValue(std::string_view text) {
  return {std::string(text)};
}
Value NumberValue(std::int64_t number) {
  return {Number{std::to_string(number)}};
}

std::optional<std::string> TextOf(const Item& item, std::string_view name) {
  const auto found = item.find(name);
  if (found == item.end()) return std::nullopt;
  const auto* text = std::get_if<std::string>(&found->second.of);
  return text == nullptr ? std::nullopt : std::optional(*text);
}

std::optional<std::int64_t> NumberOf(const Item& item, std::string_view name) {
  const auto found = item.find(name);
  if (found == item.end()) return std::nullopt;
  const auto* number = std::get_if<Number>(&found->second.of);
  if (number == nullptr) return std::nullopt;
  std::int64_t value = 0;
  const char* end = number->text.data() + number->text.size();
  const auto [at, error] = std::from_chars(number->text.data(), end, value);
  return error == std::errc() && at == end ? std::optional(value) : std::nullopt;
}

}  // namespace aws
