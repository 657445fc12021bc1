#include "wire/toon.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "wire/json_text.h"

namespace wire {

namespace {

using simdjson::dom::element_type;

constexpr std::string_view kUploadScheme = "upload://";
constexpr std::string_view kArtifactScheme = "artifact://";
constexpr std::size_t kSha256HexDigits = 64;

// Which members were there, so that one rule each is checked at the end.
struct Seen {
  bool toon_id = false;
  bool type = false;
  int sources = 0;
};

struct Decoding {
  std::string_view line;
  std::string_view pointer;
  const job::Limits& limits;
  ToonView& out;
  FieldErrors& errors;
  std::size_t members = 0;
  Seen seen;
  bool good = true;

  void Refuse(std::string_view member, std::string_view detail) {
    errors.Add(fmt::format("{}{}", pointer, member), std::string(detail));
    good = false;
  }
};

std::optional<std::string_view> StringOf(const Element& value) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

// RFC 4648 section 4: the alphabet, the padding, and no stray bits, without decoding.
constexpr std::array<std::uint8_t, 256> MakeBase64Values() {
  std::array<std::uint8_t, 256> table{};
  table.fill(0x80);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}
constexpr auto kBase64Values = MakeBase64Values();

bool IsBase64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  std::size_t padding = 0;
  for (; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  unsigned bad = 0;
  for (const char c : text) bad |= kBase64Values[static_cast<unsigned char>(c)];
  if ((bad & 0x80U) != 0) return false;
  if (padding == 0) return true;
  const unsigned last = kBase64Values[static_cast<unsigned char>(text.back())];
  return (last & (padding == 1 ? 3U : 15U)) == 0;
}

void ReadId(Decoding& d, const Element& value) {
  d.seen.toon_id = true;
  const auto text = StringOf(value);
  if (!text) return d.Refuse("/toonId", "must be a string");
  if (const auto why = RefuseToonId(*text)) return d.Refuse("/toonId", *why);
  d.out.toon_id = *text;
}

void ReadType(Decoding& d, const Element& value) {
  d.seen.type = true;
  const auto text = StringOf(value);
  if (!text) return d.Refuse("/type", "must be a string");
  if (const auto why = RefuseType(*text)) return d.Refuse("/type", *why);
  d.out.type = *text;
}

void ReadData(Decoding& d, const Element& value) {
  ++d.seen.sources;
  const auto text = StringOf(value);
  if (!text || !IsBase64(*text)) return d.Refuse("/data", "must be base64 with padding (RFC 4648 section 4)");
  d.out.source = ToonView::Source::kData;
  d.out.data_base64 = *text;
}

void ReadText(Decoding& d, const Element& value) {
  ++d.seen.sources;
  const auto text = StringOf(value);
  if (!text) return d.Refuse("/text", "must be a string");
  d.out.source = ToonView::Source::kText;
  d.out.text = *text;
}

void ReadJson(Decoding& d, const Element& value, std::size_t index) {
  ++d.seen.sources;
  d.out.source = ToonView::Source::kJson;
  d.out.json = value;
  d.out.json_text = MemberText(d.line, index, d.members);
}

void ReadUri(Decoding& d, const Element& value) {
  ++d.seen.sources;
  const auto text = StringOf(value);
  if (!text) return d.Refuse("/uri", "must be a string");
  auto uri = ParseUri(*text);
  if (!uri) return d.Refuse("/uri", uri.error().message);
  d.out.source = ToonView::Source::kUri;
  d.out.uri = *uri;
}

// A line that fits the limit holds no member that does not, so its text is only looked for in longer ones.
bool TooLong(const Decoding& d, std::size_t index, std::uint64_t limit) {
  return d.line.size() > limit && MemberText(d.line, index, d.members).size() > limit;
}

void ReadMetadata(Decoding& d, const Element& value, std::size_t index) {
  Object object;
  if (value.get(object) != simdjson::SUCCESS) return d.Refuse("/metadata", "must be an object");
  if (TooLong(d, index, d.limits.max_metadata_bytes)) {
    return d.Refuse("/metadata", fmt::format("over max_metadata_bytes ({} bytes)", d.limits.max_metadata_bytes));
  }
  d.out.metadata = object;
}

void ReadOperationsMember(Decoding& d, const Element& value, std::size_t index) {
  Array array;
  if (value.get(array) != simdjson::SUCCESS) return d.Refuse("/operations", "must be an array");
  if (TooLong(d, index, d.limits.max_operations_bytes)) {
    return d.Refuse("/operations", fmt::format("over max_operations_bytes ({} bytes)", d.limits.max_operations_bytes));
  }
  d.out.operations = array;
}

void ReadMember(Decoding& d, std::string_view key, const Element& value, std::size_t index) {
  if (key == "toonId") return ReadId(d, value);
  if (key == "type") return ReadType(d, value);
  if (key == "json") return ReadJson(d, value, index);
  if (key == "text") return ReadText(d, value);
  if (key == "data") return ReadData(d, value);
  if (key == "uri") return ReadUri(d, value);
  if (key == "metadata") return ReadMetadata(d, value, index);
  if (key == "operations") return ReadOperationsMember(d, value, index);
  d.Refuse("/" + base::PointerToken(key.substr(0, job::kMaxToonIdBytes)), "an unknown member");
}

// The operation's object without its "op" member.
std::string ParamsOf(const Object& object) {
  std::string params = "{";
  for (const auto field : object) {
    if (field.key == "op") continue;
    if (params.size() > 1) params += ',';
    base::AppendJsonString(params, field.key);
    params += ':';
    params += Minify(field.value);
  }
  params += '}';
  return params;
}

// One element of an operations array, or why it is none: {pointer below it, detail}.
std::expected<ports::Operation, base::FieldError> ReadOperation(const Element& element) {
  Object object;
  if (element.get(object) != simdjson::SUCCESS) return std::unexpected(base::FieldError{"", "must be an object"});
  Element name;
  if (object.at_key("op").get(name) != simdjson::SUCCESS) {
    return std::unexpected(base::FieldError{"/op", "is required"});
  }
  const auto text = StringOf(name);
  if (!text || text->empty()) return std::unexpected(base::FieldError{"/op", "must be the operation's name"});
  return ports::Operation{.name = std::string(*text), .params_json = ParamsOf(object)};
}

}  // namespace

base::Result<ToonUri> ParseUri(std::string_view uri) {
  ToonUri out;
  if (uri.starts_with(kUploadScheme)) {
    uri.remove_prefix(kUploadScheme.size());
  } else if (uri.starts_with(kArtifactScheme)) {
    out.kind = ToonUri::Kind::kArtifact;
    uri.remove_prefix(kArtifactScheme.size());
  } else {
    uri = {};
  }
  const bool lower = std::none_of(uri.begin(), uri.end(), [](char c) { return c >= 'A' && c <= 'F'; });
  const auto sha256 = base::Sha256FromHex(uri);
  if (!lower || uri.size() != kSha256HexDigits || !sha256) {
    return base::FailAt("", "must be upload:// or artifact:// and 64 lower-case hex digits");
  }
  out.sha256 = *sha256;
  return out;
}

std::string FormatUri(const ToonUri& uri) {
  const auto scheme = uri.kind == ToonUri::Kind::kUpload ? kUploadScheme : kArtifactScheme;
  return std::string(scheme) + base::ToHex(uri.sha256);
}

bool DecodeToon(const Element& element, std::string_view line, std::string_view pointer, const job::Limits& limits,
                ToonView& out, FieldErrors& errors) {
  out = ToonView();
  Decoding d{
      .line = line, .pointer = pointer, .limits = limits, .out = out, .errors = errors, .members = 0, .seen = {}};
  Object object;
  if (element.get(object) != simdjson::SUCCESS) {
    d.Refuse("", "must be an object");
    return false;
  }
  d.members = object.size();
  std::size_t index = 0;
  for (const auto field : object) ReadMember(d, field.key, field.value, index++);
  if (!d.seen.toon_id) d.Refuse("/toonId", "is required");
  if (!d.seen.type) d.Refuse("/type", "is required");
  if (d.seen.sources != 1) d.Refuse("", "must have exactly one of data, text, json, uri");
  return d.good;
}

std::vector<ports::Operation> DecodeOperations(const Array& operations, std::string_view type, std::string_view pointer,
                                               const ports::OperationCatalog& catalog, FieldErrors& errors) {
  std::vector<ports::Operation> out;
  if (operations.size() > job::kMaxOperationsPerToon) {
    errors.Add(std::string(pointer), fmt::format("more than {} operations", job::kMaxOperationsPerToon));
    return out;
  }
  std::size_t index = 0;
  for (const Element element : operations) {
    const std::string here = fmt::format("{}/{}", pointer, index++);
    auto operation = ReadOperation(element);
    if (!operation) {
      errors.Add(here + operation.error().pointer, std::move(operation.error().detail));
      continue;
    }
    for (auto& bad : catalog.Check(type, *operation)) errors.Add(here + bad.pointer, std::move(bad.detail));
    out.push_back(std::move(*operation));
  }
  return out;
}

base::Result<std::vector<ports::Operation>> ReadOperations(const Array& operations) {
  std::vector<ports::Operation> out;
  std::size_t index = 0;
  for (const Element element : operations) {
    if (index >= job::kMaxOperationsPerToon) return base::FailAt("", "too many operations");
    auto operation = ReadOperation(element);
    if (!operation) {
      return base::FailAt(fmt::format("/{}{}", index, operation.error().pointer), std::move(operation.error().detail));
    }
    out.push_back(std::move(*operation));
    ++index;
  }
  return out;
}

std::optional<std::string> RefuseJobId(std::string_view id) {
  if (id.empty()) return "must not be empty";
  if (id.size() > job::kMaxJobIdBytes) return fmt::format("longer than {} bytes", job::kMaxJobIdBytes);
  const bool fits = std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == ':' || c == '-';
  });
  if (!fits) return "must consist of A-Z a-z 0-9 . _ : -";
  // HTTP clients resolve these in paths, so such a job could not be asked for.
  if (id == "." || id == "..") return "must not be . or ..";
  return std::nullopt;
}

std::optional<std::string> RefuseToonId(std::string_view id) {
  if (id.empty()) return "must not be empty";
  if (id.size() > job::kMaxToonIdBytes) return fmt::format("longer than {} bytes", job::kMaxToonIdBytes);
  bool ascii = true;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const auto c = static_cast<unsigned char>(id[i]);
    ascii = ascii && c < 0x80;
    const bool c1 = c == 0xC2 && i + 1 < id.size() && static_cast<unsigned char>(id[i + 1]) < 0xA0;
    if (c < 0x20 || c == 0x7F || c1) return "must not contain control characters";
  }
  if (!ascii && !simdjson::validate_utf8(id.data(), id.size())) return "must be UTF-8";
  return std::nullopt;
}

std::optional<std::string> RefuseType(std::string_view type) {
  if (type.empty()) return "must not be empty";
  if (type.size() > job::kMaxTypeBytes) return fmt::format("longer than {} bytes", job::kMaxTypeBytes);
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const bool fits = lower(type.front()) && std::all_of(type.begin(), type.end(), [&](char c) {
                      return lower(c) || (c >= '0' && c <= '9') || c == '-';
                    });
  if (!fits) return "must be a lower-case word of a-z 0-9 -";
  return std::nullopt;
}

}  // namespace wire
