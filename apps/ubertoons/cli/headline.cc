#include "cli/headline.h"

#include <fmt/format.h>

#include <array>
#include <initializer_list>

#include "cli/terminal.h"

namespace cli {
namespace {

using Names = std::initializer_list<std::string_view>;

// A quantity that a result gives as a number, as a list of its members, or as an object that counts them.
std::optional<std::uint64_t> Amount(const json::value& value) {
  if (const auto count = CountOf(value)) return count;
  if (const json::array* list = value.if_array()) return list->size();
  for (const std::string_view key : {"count", "total"}) {
    if (const auto count = CountAt(value, key)) return count;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> FindAmount(const json::value& result, Names names) {
  for (const std::string_view name : names) {
    const json::value* member = At(result, name);
    if (member == nullptr) continue;
    if (const auto amount = Amount(*member)) return amount;
  }
  return std::nullopt;
}

std::string FindText(const json::value& result, Names names) {
  for (const std::string_view name : names) {
    if (std::string text = TextAt(result, name); !text.empty()) return text;
  }
  return {};
}

void Append(std::string& line, std::string_view piece) {
  if (piece.empty()) return;
  if (!line.empty()) line += ", ";
  line += piece;
}

std::string Plural(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", Grouped(count), count == 1 ? one : many);
}

std::string OfTable(const json::value& result) {
  std::string line;
  const json::value* cleaning = At(result, "cleaning");
  const auto find = [&](Names names) {
    auto amount = FindAmount(result, names);
    if (!amount && cleaning != nullptr) amount = FindAmount(*cleaning, names);
    return amount;
  };
  if (const auto rows = find({"rows", "rowCount", "events"})) Append(line, Plural(*rows, "row", "rows"));
  if (const auto bad = find({"badRows", "rejected"}); bad && *bad > 0) {
    Append(line, Plural(*bad, "bad row", "bad rows"));
  }
  if (const auto gaps = find({"gaps", "gapCount"})) Append(line, Plural(*gaps, "gap", "gaps"));
  if (const auto odd = find({"anomalies", "anomalyCount"})) Append(line, Plural(*odd, "anomaly", "anomalies"));
  return line;
}

std::string OfMessage(const json::value& result) {
  std::string line = FindText(result, {"format", "form", "kind", "contentType"});
  if (const auto bytes = FindAmount(result, {"bytes", "size", "canonicalBytes"})) Append(line, HumanBytes(*bytes));
  if (const json::value* valid = At(result, "valid"); valid != nullptr && valid->is_bool() && !valid->get_bool()) {
    Append(line, "not valid");
  }
  return line;
}

std::string OfBinary(const json::value& result) {
  std::string line = FindText(result, {"contentType", "mimeType", "mime", "mediaType", "magic"});
  for (const std::string_view name : {"entropy", "entropyBitsPerByte"}) {
    const json::value* member = At(result, name);
    std::optional<double> entropy = NumberAt(result, name);
    if (!entropy && member != nullptr) entropy = NumberAt(*member, "bitsPerByte");
    if (!entropy) continue;
    Append(line, fmt::format("entropy {:.1f}", *entropy));
    break;
  }
  return line;
}

std::string SizeOf(const json::value& result) {
  const auto width = CountAt(result, "width");
  const auto height = CountAt(result, "height");
  return width && height ? fmt::format("{} x {}", *width, *height) : std::string();
}

std::string OfImage(const json::value& result) {
  std::string line = FindText(result, {"format"});
  Append(line, SizeOf(result));
  if (const auto frames = CountAt(result, "frames"); frames && *frames > 1)
    Append(line, Plural(*frames, "frame", "frames"));
  Append(line, FindText(result, {"dominantColour"}));
  return line;
}

std::string OfTimed(const json::value& result) {
  std::string line = FindText(result, {"container"});
  if (const auto duration = NumberAt(result, "durationMs")) Append(line, fmt::format("{:.1f} s", *duration / 1000));
  if (const json::value* video = At(result, "video"); video != nullptr && video->is_object()) {
    Append(line, FindText(*video, {"codec"}));
    Append(line, SizeOf(*video));
    if (const auto scenes = CountAt(*video, "sceneCount")) Append(line, Plural(*scenes, "scene", "scenes"));
  }
  if (const json::value* audio = At(result, "audio"); audio != nullptr && audio->is_object()) {
    Append(line, FindText(*audio, {"codec"}));
    const json::value* loudness = At(*audio, "loudness");
    const auto lufs = loudness == nullptr ? std::nullopt : NumberAt(*loudness, "integratedLufs");
    if (lufs) Append(line, fmt::format("{:.1f} LUFS", *lufs));
  }
  return line;
}

std::string Plain(const json::value& value) {
  if (const json::string* text = value.if_string()) return std::string(*text);
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  if (const auto count = CountOf(value)) return Grouped(*count);
  if (const std::int64_t* number = value.if_int64()) return fmt::format("{}", *number);
  if (const double* number = value.if_double()) return fmt::format("{:.4g}", *number);
  return {};
}

std::string OfAnything(const json::value& result) {
  constexpr std::size_t kMostMembers = 4;
  constexpr std::size_t kMostColumns = 40;
  const json::object* object = result.if_object();
  if (object == nullptr) return {};
  std::string line;
  std::size_t members = 0;
  for (const auto& [key, value] : *object) {
    const std::string text = Plain(value);
    if (text.empty() || ++members > kMostMembers) continue;
    Append(line, fmt::format("{} {}", std::string_view(key), Cut(text, kMostColumns)));
  }
  return line;
}

std::string OfError(const json::value& error) {
  const std::string code = TextAt(error, "code");
  const std::string message = TextAt(error, "message");
  if (code.empty() || message.empty()) return code + message;
  return code + ": " + message;
}

}  // namespace

std::string Headline(const json::value& element) {
  if (const json::value* error = At(element, "error"); error != nullptr && error->is_object()) return OfError(*error);
  const json::value* result = At(element, "result");
  if (result == nullptr) return {};
  // A processor may say it in its own words.
  if (std::string own = FindText(*result, {"headline", "summary"}); !own.empty()) return own;
  const std::string type = TextAt(element, "type");
  std::string line;
  if (type == "telemetry" || type == "gameplay") line = OfTable(*result);
  if (type == "message") line = OfMessage(*result);
  if (type == "binary") line = OfBinary(*result);
  if (type == "image") line = OfImage(*result);
  if (type == "audio" || type == "video") line = OfTimed(*result);
  return line.empty() ? OfAnything(*result) : line;
}

}  // namespace cli
