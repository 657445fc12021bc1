#include "processors/image/exif.h"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

namespace processors {

namespace {

constexpr std::size_t kMaxTextBytes = 64;

std::string_view Field(const vips::VImage& header, const char* name) {
  const char* text = nullptr;
  if (header.get_typeof(name) == 0 || vips_image_get_string(header.get_image(), name, &text) != 0) return {};
  return text;
}

// libvips gives "VALUE (VALUE, ASCII, 5 components, 5 bytes)", of which it keeps some 250 bytes: what has no end is of
// a long text.
std::string_view TextOf(std::string_view field) {
  constexpr std::size_t kCutField = 240;  // bytes
  constexpr std::size_t kSureText = 100;  // bytes of a cut field that are the value's
  const auto end = field.rfind(", ASCII, ");
  if (end == std::string_view::npos && field.size() >= kCutField) return field.substr(0, kSureText);
  if (end == std::string_view::npos || end < 2) return {};
  return field.substr(0, (end - 2) / 2);
}

// Printable, trimmed, and cut between characters.
std::string Cleaned(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) clean += c;
  }
  if (clean.size() > kMaxTextBytes) {
    std::size_t cut = kMaxTextBytes;
    while (cut > 0 && (static_cast<unsigned char>(clean[cut]) & 0xc0U) == 0x80U) --cut;
    clean.resize(cut);
  }
  const auto first = clean.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return clean.substr(first, clean.find_last_not_of(' ') - first + 1);
}

// The next "28/10" or "28" of `text`, which moves behind it.
std::optional<double> TakeRational(std::string_view& text) {
  double value = 0;
  double below = 1;
  const auto take = [&text](double& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
  };
  while (text.starts_with(' ')) text.remove_prefix(1);
  if (!take(value)) return std::nullopt;
  if (text.starts_with('/')) {
    text.remove_prefix(1);
    if (!take(below)) return std::nullopt;
  }
  if (below == 0 || !std::isfinite(value / below)) return std::nullopt;
  return value / below;
}

// To four significant places, which is what cameras know.
double Rounded(double value) {
  if (value == 0) return 0;
  const double scale = std::pow(10, 3 - std::floor(std::log10(std::abs(value))));
  return std::round(value * scale) / scale;
}

// "2024:05:06 07:08:09" as "2024-05-06T07:08:09"; "" for anything else.
std::string Time(std::string_view text) {
  constexpr std::string_view kShape = "dddd:dd:dd dd:dd:dd";
  if (text.size() != kShape.size()) return {};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == 'd' ? !digit : text[i] != kShape[i]) return {};
  }
  std::string time(text);
  time[4] = time[7] = '-';
  time[10] = 'T';
  return time;
}

class ExifWriter {
 public:
  ExifWriter(const vips::VImage& header, JsonWriter& json) : header_(header), json_(json) {}

  void Text(std::string_view key, const char* name) { Put(key, Cleaned(TextOf(Field(header_, name)))); }
  void When(std::string_view key, const char* name) { Put(key, Time(TextOf(Field(header_, name)))); }
  void Number(std::string_view key, const char* name, double most) {
    std::string_view field = Field(header_, name);
    const auto value = TakeRational(field);
    if (!value || *value <= 0 || *value > most) return;
    Open();
    json_.Key(key).Number(Rounded(*value));
  }
  void Close() {
    if (open_) json_.EndObject();
  }

 private:
  void Put(std::string_view key, const std::string& text) {
    if (text.empty()) return;
    Open();
    json_.Key(key).Text(text);
  }
  void Open() {
    if (!open_) json_.Key("exif").BeginObject();
    open_ = true;
  }

  const vips::VImage& header_;
  JsonWriter& json_;
  bool open_ = false;
};

// Degrees, minutes and seconds; `negative` is the letter of the south or the west.
std::optional<double> Degrees(std::string_view field, std::string_view reference, char negative, double most) {
  double degrees = 0;
  double scale = 1;
  for (int i = 0; i < 3; ++i, scale /= 60) {
    const auto part = TakeRational(field);
    if (!part || *part < 0) return std::nullopt;
    degrees += *part * scale;
  }
  if (degrees > most) return std::nullopt;
  return reference.starts_with(negative) ? -degrees : degrees;
}

void WriteLocation(const vips::VImage& header, JsonWriter& json) {
  const auto latitude =
      Degrees(Field(header, "exif-ifd3-GPSLatitude"), Field(header, "exif-ifd3-GPSLatitudeRef"), 'S', 90);
  const auto longitude =
      Degrees(Field(header, "exif-ifd3-GPSLongitude"), Field(header, "exif-ifd3-GPSLongitudeRef"), 'W', 180);
  if (!latitude || !longitude) return;
  const auto micro = [](double degrees) { return std::round(degrees * 1e6) / 1e6; };
  json.Key("location").BeginObject().Key("latitude").Number(micro(*latitude));
  json.Key("longitude").Number(micro(*longitude));
  std::string_view field = Field(header, "exif-ifd3-GPSAltitude");
  const auto altitude = TakeRational(field);
  if (altitude && *altitude >= 0 && *altitude < 100'000) {
    const bool below_sea = Field(header, "exif-ifd3-GPSAltitudeRef").starts_with("Below") ||
                           Field(header, "exif-ifd3-GPSAltitudeRef").starts_with('1');
    json.Key("altitudeMetres").Number(std::round(*altitude * 10) / (below_sea ? -10 : 10));
  }
  json.EndObject();
}

}  // namespace

void WriteExif(const vips::VImage& header, Location location, JsonWriter& json) {
  if (header.get_typeof(VIPS_META_EXIF_NAME) == 0) return;
  ExifWriter exif(header, json);
  exif.Text("make", "exif-ifd0-Make");
  exif.Text("model", "exif-ifd0-Model");
  exif.Text("lens", "exif-ifd2-LensModel");
  exif.When("takenAt", "exif-ifd2-DateTimeOriginal");
  exif.Number("exposureSeconds", "exif-ifd2-ExposureTime", 1e6);
  exif.Number("fNumber", "exif-ifd2-FNumber", 1000);
  exif.Number("iso", "exif-ifd2-ISOSpeedRatings", 1e7);
  exif.Number("focalLengthMm", "exif-ifd2-FocalLength", 1e5);
  exif.Close();
  if (location == Location::kKeep) WriteLocation(header, json);
}

}  // namespace processors
