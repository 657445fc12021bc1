#include "processors/schema_rules.h"

#include <map>
#include <set>
#include <string>

#include "job/limits.h"

namespace processors {

namespace {

using simdjson::dom::element;

constexpr int kMaxVariableRepetitions = 3;
constexpr int kMaxAlternatives = 8;

class SchemaWalk {
 public:
  explicit SchemaWalk(element root) : root_(root) {}

  void Check(element node, const std::string& pointer, std::size_t depth) {
    if (errors_.size() >= job::kMaxFieldErrors) return;
    if (depth > job::kMaxJsonDepth) return Add(pointer, "is nested too deeply");
    simdjson::dom::object object;
    if (node.get(object) == simdjson::SUCCESS) {
      for (const auto& [key, value] : object) {
        const std::string at = pointer + "/" + base::PointerToken(key);
        CheckMember(key, value, at);
        Check(value, at, depth + 1);
      }
      return;
    }
    simdjson::dom::array array;
    if (node.get(array) != simdjson::SUCCESS) return;
    std::size_t index = 0;
    for (const auto child : array) Check(child, pointer + "/" + std::to_string(index++), depth + 1);
  }

  // Nodes of the schema with every reference written out; saturates. Adds an error for a cycle.
  void CheckExpansion(const std::string& pointer) {
    if (!errors_.empty()) return;
    std::set<std::string> open;
    const std::size_t nodes = Expanded(root_, open);
    if (cyclic_) Add(pointer, "references lead back to themselves, which is not supported");
    if (nodes > kMaxSchemaNodes) {
      Add(pointer, "has more than " + std::to_string(kMaxSchemaNodes) + " nodes when its references are written out");
    }
  }
  std::vector<base::FieldError> Take() && { return std::move(errors_); }

 private:
  void Add(const std::string& pointer, std::string detail) {
    errors_.push_back({.pointer = pointer, .detail = std::move(detail)});
  }

  void CheckMember(std::string_view key, element value, const std::string& at) {
    std::string_view text;
    if ((key == "$ref" || key == "id" || key == "$id") && value.get(text) == simdjson::SUCCESS &&
        text.size() > kMaxPatternBytes) {
      return Add(at, "is longer than 256 bytes");  // the compiler reads it with a regular expression
    }
    if (key == "$ref") {
      if (value.get(text) != simdjson::SUCCESS) return;
      if (!text.starts_with('#')) return Add(at, "refers outside the schema, which is never fetched");
      element target;
      if (text.find('%') != std::string_view::npos || !Resolve(text, target)) Add(at, "names no place in the schema");
    } else if (key == "pattern") {
      if (value.get(text) != simdjson::SUCCESS) return;
      if (const char* why = RefusePattern(text)) Add(at, why);
    } else if (key == "patternProperties") {
      simdjson::dom::object patterns;
      if (value.get(patterns) != simdjson::SUCCESS) return;
      for (const auto& [pattern, ignored] : patterns) {
        if (const char* why = RefusePattern(pattern)) Add(at + "/" + base::PointerToken(pattern), why);
      }
    } else if (key == "multipleOf" || key == "divisibleBy") {
      double number = 0;
      if (value.is_number() && (value.get(number) != simdjson::SUCCESS || !(number > 0))) Add(at, "must be positive");
    }
  }

  bool Resolve(std::string_view reference, element& out) const {
    reference.remove_prefix(1);
    if (reference.empty()) {
      out = root_;
      return true;
    }
    return reference.front() == '/' && root_.at_pointer(reference).get(out) == simdjson::SUCCESS;
  }

  std::size_t Expanded(element node, std::set<std::string>& open) {
    if (cyclic_) return 0;
    std::size_t nodes = 1;
    simdjson::dom::object object;
    simdjson::dom::array array;
    if (node.get(object) == simdjson::SUCCESS) {
      for (const auto& [key, value] : object) {
        std::string_view reference;
        const bool refers = key == "$ref" && value.get(reference) == simdjson::SUCCESS;
        nodes = Saturate(nodes + (refers ? ExpandedReference(reference, open) : Expanded(value, open)));
      }
    } else if (node.get(array) == simdjson::SUCCESS) {
      for (const auto child : array) nodes = Saturate(nodes + Expanded(child, open));
    }
    return nodes;
  }

  std::size_t ExpandedReference(std::string_view reference, std::set<std::string>& open) {
    const std::string name(reference);
    if (const auto known = sizes_.find(name); known != sizes_.end()) return known->second;
    element target;
    if (!Resolve(reference, target)) return 0;
    // The chain of open references is a chain of calls too.
    if (open.size() >= job::kMaxJsonDepth || !open.insert(name).second) {
      cyclic_ = true;
      return 0;
    }
    const std::size_t nodes = Expanded(target, open);
    open.erase(name);
    sizes_[name] = nodes;
    return nodes;
  }

  static std::size_t Saturate(std::size_t nodes) { return std::min(nodes, kMaxSchemaNodes + 1); }

  element root_;
  std::vector<base::FieldError> errors_;
  std::map<std::string, std::size_t> sizes_;
  bool cyclic_ = false;
};

// Length of a "{n}", "{n,}" or "{n,m}" at the front of text; 0 if there is none. `variable`: not a fixed count.
std::size_t BraceRepetition(std::string_view text, bool& variable, bool& large) {
  const auto end = text.find('}');
  if (!text.starts_with('{') || end == std::string_view::npos) return 0;
  std::size_t digits = 0;
  for (const char c : text.substr(1, end - 1)) {
    if (c == ',') {
      variable = true;
      digits = 0;
    } else if (c < '0' || c > '9') {
      return 0;
    } else if (++digits > 3) {
      large = true;  // the matcher is compiled by writing repetitions out
    }
  }
  return end + 1;
}

// Length of a "[…]" class at the front of text, or npos if it is not closed.
std::size_t ClassLength(std::string_view text) {
  std::size_t i = 1;
  if (i < text.size() && text[i] == '^') ++i;
  if (i < text.size() && text[i] == ']') ++i;
  for (; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == ']') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// Steps over a repetition at `i`; counts it when it is variable. Answers why it is refused.
const char* TakeRepetition(std::string_view pattern, std::size_t& i, bool after_group, int& variable_count) {
  if (i >= pattern.size()) return nullptr;
  bool variable = false;
  bool large = false;
  std::size_t length = 0;
  if (pattern[i] == '*' || pattern[i] == '+' || pattern[i] == '?') {
    variable = true;
    length = 1;
  } else {
    length = BraceRepetition(pattern.substr(i), variable, large);
  }
  if (length == 0) return nullptr;
  i += length;
  if (i < pattern.size() && pattern[i] == '?') ++i;  // lazy
  if (after_group) return "repeats a group, which may take exponential time";
  if (large) return "repeats more than 999 times";
  if (variable && ++variable_count > kMaxVariableRepetitions) return "has more than three variable repetitions";
  return nullptr;
}

}  // namespace

const char* RefusePattern(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) return "is longer than 256 bytes";
  int variable = 0;
  int alternatives = 0;
  for (std::size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    bool group_end = false;
    if (c == '\\') {
      if (i + 1 >= pattern.size()) return "ends in a backslash";
      if (pattern[i + 1] >= '1' && pattern[i + 1] <= '9') return "holds a back reference";
      i += 2;
    } else if (c == '[') {
      const std::size_t length = ClassLength(pattern.substr(i));
      if (length == std::string_view::npos) return "has a class that is not closed";
      i += length;
    } else if (c == '(') {
      const auto rest = pattern.substr(i + 1);
      if (rest.starts_with("?") && !rest.starts_with("?:")) return "looks around, which is not supported";
      i += rest.starts_with("?:") ? 3 : 1;
      continue;
    } else {
      if (c == '|' && ++alternatives > kMaxAlternatives) return "has more than eight alternatives";
      group_end = c == ')';
      ++i;
    }
    if (const char* why = TakeRepetition(pattern, i, group_end, variable)) return why;
  }
  return nullptr;
}

std::vector<base::FieldError> CheckSchemaRules(element schema, std::string_view pointer) {
  SchemaWalk walk(schema);
  walk.Check(schema, std::string(pointer), 0);
  walk.CheckExpansion(std::string(pointer));
  return std::move(walk).Take();
}

}  // namespace processors
