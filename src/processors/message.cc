#include "processors/message.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "processors/failure.h"
#include "processors/json_schema.h"
#include "processors/json_writer.h"
#include "processors/params.h"
#include "wire/canonical_json.h"
#include "wire/strict_json.h"

namespace processors {

namespace {

struct Shape {
  std::uint64_t members = 0;
  std::uint64_t depth = 0;
};

// Recursion is bounded by job::kMaxJsonDepth, which the parser enforces.
void Measure(const wire::Element& element, std::uint64_t depth, Shape& shape) {
  wire::Object object;
  wire::Array array;
  if (element.get(object) == simdjson::SUCCESS) {
    shape.depth = std::max(shape.depth, depth + 1);
    for (const auto& [key, value] : object) {
      ++shape.members;
      Measure(value, depth + 1, shape);
    }
  } else if (element.get(array) == simdjson::SUCCESS) {
    shape.depth = std::max(shape.depth, depth + 1);
    for (const auto child : array) {
      ++shape.members;
      Measure(child, depth + 1, shape);
    }
  }
}

bool LooksLikeJson(std::string_view bytes) {
  const auto first = bytes.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (bytes[first] == '{' || bytes[first] == '[');
}

class MessageProcessor final : public ports::Processor {
 public:
  [[nodiscard]] std::string version() const override {
    return fmt::format("1+simdjson{}.{}.{}+valijson1.0", static_cast<int>(simdjson::SIMDJSON_VERSION_MAJOR),
                       static_cast<int>(simdjson::SIMDJSON_VERSION_MINOR),
                       static_cast<int>(simdjson::SIMDJSON_VERSION_REVISION));
  }

  [[nodiscard]] Processed<ports::ProcessorOutput> Process(const ports::ToonInput& input) override {
    const bool declared = input.form == ports::SourceForm::kJson;
    if (declared || LooksLikeJson(input.bytes)) {
      auto element = parser_.Parse(input.bytes, "", wire::StrictParser::Padding::kPresent);
      if (element) return ProcessJson(input, *element);
      if (declared) return Refuse("invalid-json", "the message is not acceptable JSON");
    }
    return ProcessText(input);
  }

 private:
  Processed<ports::ProcessorOutput> ProcessJson(const ports::ToonInput& input, const wire::Element& element) {
    canonical_.clear();
    wire::AppendCanonical(element, canonical_);
    ports::ProcessorOutput output;
    output.fingerprint = base::Sha256Of(canonical_);
    const bool same = canonical_ == input.bytes;
    Shape shape;
    Measure(element, 0, shape);
    output.result_json =
        fmt::format(R"({{"format":"json","bytes":{},"members":{},"depth":{},"sourceSha256":"{}"}})", input.bytes.size(),
                    shape.members, shape.depth, base::ToHex(same ? *output.fingerprint : base::Sha256Of(input.bytes)));
    for (const auto& operation : *input.operations) {
      if (operation.name == "validate") {
        if (auto valid = Validate(operation); !valid) return std::unexpected(std::move(valid).error());
      } else if (operation.name == "emit") {
        EmitOnce("canonical.json", "application/json", canonical_, output);
      }
    }
    return output;
  }

  Processed<void> Validate(const ports::Operation& operation) {
    const Params params(operation.params_json);
    const auto schema = params.Member("schema");
    if (!schema) return Refuse("invalid-schema", "the operation validate has no schema");
    return schemas_.Validate(simdjson::minify(*schema), canonical_);
  }

  static Processed<ports::ProcessorOutput> ProcessText(const ports::ToonInput& input) {
    if (!simdjson::validate_utf8(input.bytes.data(), input.bytes.size())) {
      return Refuse("invalid-encoding", "the message is not UTF-8");
    }
    if (!input.operations->empty()) {
      return Refuse("invalid-json", fmt::format("the operation {} needs JSON", input.operations->front().name));
    }
    const auto starts = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; };
    const auto chars = std::ranges::count_if(input.bytes, starts);
    auto lines = std::ranges::count(input.bytes, '\n');
    if (!input.bytes.empty() && input.bytes.back() != '\n') ++lines;
    ports::ProcessorOutput output;
    output.result_json =
        fmt::format(R"({{"format":"text","bytes":{},"chars":{},"lines":{}}})", input.bytes.size(), chars, lines);
    return output;
  }

  static void EmitOnce(std::string_view name, std::string_view type, const std::string& bytes,
                       ports::ProcessorOutput& output) {
    const auto same = [&](const ports::ArtifactBytes& artifact) { return artifact.name == name; };
    if (std::ranges::any_of(output.artifacts, same)) return;
    output.artifacts.push_back({std::string(name), std::string(type), bytes});
  }

  wire::StrictParser parser_;
  SchemaCache schemas_;
  std::string canonical_;  // kept for its capacity
};

}  // namespace

std::unique_ptr<ports::Processor> NewMessageProcessor() {
  return std::make_unique<MessageProcessor>();
}

}  // namespace processors
