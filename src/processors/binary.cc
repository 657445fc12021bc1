#include "processors/binary.h"

#include <fmt/format.h>
#include <magic.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <string>
#include <system_error>

#include "processors/failure.h"
#include "processors/json_writer.h"
#include "processors/params.h"

namespace processors {

namespace {

constexpr std::size_t kDefaultChunkBytes = 64 * 1024;
constexpr std::size_t kDefaultStringBytes = 4;
constexpr std::size_t kMaxDescriptionBytes = 256;
constexpr std::size_t kHeadBytes = 16;

// libmagic's own guards, tightened: how deep its rules may call each other and how far its regular expressions look.
struct Guard {
  int parameter;
  std::size_t value;
};
constexpr Guard kGuards[] = {{MAGIC_PARAM_INDIR_MAX, 10},
                             {MAGIC_PARAM_NAME_MAX, 30},
                             {MAGIC_PARAM_ELF_PHNUM_MAX, 128},
                             {MAGIC_PARAM_ELF_SHNUM_MAX, 1024},
                             {MAGIC_PARAM_ELF_NOTES_MAX, 64},
                             {MAGIC_PARAM_REGEX_MAX, 4096},
                             {MAGIC_PARAM_BYTES_MAX, kMaxMagicBytes}};

// libmagic's database beside the program, where a package without the system's own brings it; "" if there is none.
std::string PackagedDatabase() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return "";
  const auto path = self.parent_path() / "share" / "magic.mgc";
  return std::filesystem::exists(path, error) ? path.string() : "";
}

class Magic {
 public:
  Magic() : cookie_(magic_open(MAGIC_NONE)) {
    const std::string packaged = PackagedDatabase();
    if (cookie_ == nullptr || magic_load(cookie_, packaged.empty() ? nullptr : packaged.c_str()) != 0) return;
    for (const Guard& guard : kGuards) static_cast<void>(magic_setparam(cookie_, guard.parameter, &guard.value));
    loaded_ = true;
  }
  ~Magic() {
    if (cookie_ != nullptr) magic_close(cookie_);
  }
  Magic(const Magic&) = delete;
  Magic& operator=(const Magic&) = delete;

  [[nodiscard]] bool loaded() const { return loaded_; }
  // The answer under `flags`, `fallback` when libmagic gives up.
  [[nodiscard]] std::string Ask(int flags, std::string_view bytes, std::string_view fallback) {
    static_cast<void>(magic_setflags(cookie_, flags));
    const char* answer = magic_buffer(cookie_, bytes.data(), std::min(bytes.size(), kMaxMagicBytes));
    return std::string(answer == nullptr ? fallback : std::string_view(answer).substr(0, kMaxDescriptionBytes));
  }

 private:
  magic_t cookie_;
  bool loaded_ = false;
};

double EntropyBits(std::string_view bytes) {
  if (bytes.empty()) return 0;
  std::array<std::uint64_t, 256> counts{};
  for (const char c : bytes) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const auto count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(bytes.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

void WriteChunks(std::string_view bytes, std::size_t size, JsonWriter& json) {
  const std::size_t count = (bytes.size() + size - 1) / size;
  json.Key("chunks").BeginObject().Key("size").Integer(size).Key("count").Integer(count).Key("sha256").BeginArray();
  for (std::size_t i = 0; i < std::min(count, kMaxChunkHashes); ++i) {
    json.Text(base::ToHex(base::Sha256Of(bytes.substr(i * size, size))));
  }
  json.EndArray();
  if (count > kMaxChunkHashes) json.Key("truncated").Boolean(true);
  json.EndObject();
}

void WriteStrings(std::string_view bytes, std::size_t least, JsonWriter& json) {
  std::uint64_t count = 0;
  std::uint64_t total = 0;
  std::size_t longest = 0;
  std::vector<std::string_view> first;
  for (std::size_t i = 0; i < bytes.size();) {
    std::size_t end = i;
    while (end < bytes.size() && bytes[end] >= 0x20 && bytes[end] < 0x7f) ++end;
    if (end - i >= least) {
      ++count;
      total += end - i;
      longest = std::max(longest, end - i);
      if (first.size() < kMaxListedStrings) first.push_back(bytes.substr(i, std::min(end - i, kMaxListedStringBytes)));
    }
    i = end + 1;
  }
  json.Key("strings").BeginObject().Key("min").Integer(least).Key("count").Integer(count);
  json.Key("bytes").Integer(total).Key("longest").Integer(longest).Key("first").BeginArray();
  for (const auto text : first) json.Text(text);
  json.EndArray().EndObject();
}

class BinaryProcessor final : public ports::Processor {
 public:
  [[nodiscard]] std::string version() const override {
    return fmt::format("1+magic{}.{:02}", magic_version() / 100, magic_version() % 100);
  }

  [[nodiscard]] Processed<ports::ProcessorOutput> Process(const ports::ToonInput& input) override {
    if (!magic_) magic_ = std::make_unique<Magic>();
    if (!magic_->loaded()) {
      auto failure = Refuse("magic-unavailable", "libmagic's database cannot be loaded on this worker");
      failure.error().blame = ports::Blame::kResource;
      return failure;
    }
    const std::string_view bytes = input.bytes;
    JsonWriter json;
    json.BeginObject();
    json.Key("mime").Text(magic_->Ask(MAGIC_MIME_TYPE, bytes, "application/octet-stream"));
    json.Key("encoding").Text(magic_->Ask(MAGIC_MIME_ENCODING, bytes, "binary"));
    json.Key("description").Text(magic_->Ask(MAGIC_NONE, bytes, "data"));
    json.Key("bytes").Integer(bytes.size());
    json.Key("entropy").Number(std::round(EntropyBits(bytes) * 1e6) / 1e6);
    json.Key("head").Text(base::ToHex(bytes.substr(0, kHeadBytes)));
    std::size_t chunk_bytes = kDefaultChunkBytes;
    std::optional<std::size_t> least;
    for (const auto& operation : *input.operations) {
      const Params params(operation.params_json);
      if (operation.name == "chunks") {
        chunk_bytes = static_cast<std::size_t>(params.Number("size").value_or(kDefaultChunkBytes));
      } else if (operation.name == "strings") {
        least = static_cast<std::size_t>(params.Number("min").value_or(kDefaultStringBytes));
      }
    }
    WriteChunks(bytes, std::max<std::size_t>(chunk_bytes, 4096), json);
    if (least) WriteStrings(bytes, *least, json);
    json.EndObject();
    return ports::ProcessorOutput{.result_json = std::move(json).Take()};
  }

 private:
  std::unique_ptr<Magic> magic_;  // loaded at the first toon: most workers never see a binary
};

}  // namespace

std::unique_ptr<ports::Processor> NewBinaryProcessor() {
  return std::make_unique<BinaryProcessor>();
}

}  // namespace processors
