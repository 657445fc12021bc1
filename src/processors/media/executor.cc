#include <chromaprint.h>
#include <ebur128.h>
#include <fmt/format.h>

#include <ctime>
#include <new>
#include <optional>

#include "base/hash.h"
#include "processors/media/audio.h"
#include "processors/media/decode.h"
#include "processors/media/input.h"
#include "processors/media/media.h"
#include "processors/media/picture.h"
#include "processors/media/report.h"
#include "processors/media/trim.h"
#include "processors/media/video.h"
#include "processors/params.h"
#include "processors/sniff/sniff.h"

namespace processors {

namespace {

using media::AudioAnalysis;
using media::Input;
using media::MediaReport;
using media::Picture;
using media::PictureFormat;
using media::VideoAnalysis;
using Output = ports::ProcessorOutput;

constexpr int kWaveformWidth = 640;
constexpr int kWaveformHeight = 120;
constexpr int kMaxWaveformWidth = 4096;  // pixels, as the catalog has it
constexpr int kMaxWaveformHeight = 2048;

struct Size {
  int width = kWaveformWidth;
  int height = kWaveformHeight;
};

// What the operations ask for; of the same one twice, the later.
struct Wanted {
  bool poster = false;
  std::optional<double> poster_at;
  std::optional<Size> waveform;
  std::optional<media::TrimWish> trim;
};

Wanted Read(const std::vector<ports::Operation>& operations) {
  Wanted wanted;
  for (const auto& operation : operations) {
    const Params params(operation.params_json);
    if (operation.name == "poster") {
      wanted.poster = true;
      wanted.poster_at = params.Number("at");
    } else if (operation.name == "waveform") {
      const auto side = [&](const char* name, int usual, int most) {
        return static_cast<int>(std::clamp(params.Number(name).value_or(usual), 1.0, static_cast<double>(most)));
      };
      wanted.waveform =
          Size{side("width", kWaveformWidth, kMaxWaveformWidth), side("height", kWaveformHeight, kMaxWaveformHeight)};
    } else if (operation.name == "trim") {
      wanted.trim = {params.Number("start").value_or(0), params.Number("duration").value_or(0)};
    }
  }
  return wanted;
}

// The declared type against the streams that there are.
Processed<void> CheckKind(std::string_view verb, const Input& input) {
  if (verb == "video") {
    if (input.video() != nullptr) return {};
    return Refuse("type-mismatch", "the toon is declared as video, its file has no moving picture");
  }
  if (input.video() != nullptr) return Refuse("type-mismatch", "the toon is declared as audio, its file is a video");
  if (input.audio() == nullptr) return Refuse("type-mismatch", "the toon is declared as audio, its file has no sound");
  return {};
}

double FileStart(const Input& input) {
  const std::int64_t start = input.format()->start_time;
  return start == AV_NOPTS_VALUE ? 0 : static_cast<double>(start) / AV_TIME_BASE;
}

// A film's sound in a codec that is not decoded here is left out; a sound's own is a failure.
bool DecodesAudio(const Input& input) {
  if (input.audio() == nullptr) return false;
  return input.video() == nullptr || media::FindDecoder(input.audio()->codecpar->codec_id) != nullptr;
}

Processed<MediaReport> Analyse(Input& input, const Wanted& wanted) {
  std::optional<AudioAnalysis> audio;
  std::optional<VideoAnalysis> video;
  if (DecodesAudio(input)) audio.emplace(FileStart(input));
  if (input.video() != nullptr) {
    video.emplace(*input.video(), media::VideoWish{.file_start = FileStart(input),
                                                   .declared_seconds = input.declared_seconds(),
                                                   .frame_rate = media::FrameRateOf(input),
                                                   .picture_at = wanted.poster_at});
  }
  auto pass = media::DecodeAll(input, audio ? &*audio : nullptr, video ? &*video : nullptr);
  if (!pass) return std::unexpected(pass.error());
  MediaReport report{.pass = *pass};
  if (audio && audio->started()) {
    auto finished = audio->Finish();
    if (!finished) return std::unexpected(finished.error());
    report.audio = std::move(*finished);
  }
  if (video) {
    auto finished = video->Finish();
    if (!finished) return std::unexpected(finished.error());
    report.video = std::move(*finished);
  }
  if (auto whole = media::CheckWhole(input, report.pass, report.seconds()); !whole) {
    return std::unexpected(whole.error());
  }
  return report;
}

Processed<void> AddPicture(const Picture& picture, std::string_view name, PictureFormat format, Output& output) {
  auto bytes = media::Encode(picture, format);
  if (!bytes) return std::unexpected(bytes.error());
  const bool jpeg = format == PictureFormat::kJpeg;
  output.artifacts.push_back({.name = fmt::format("{}.{}", name, jpeg ? "jpg" : "png"),
                              .content_type = jpeg ? "image/jpeg" : "image/png",
                              .bytes = std::move(*bytes)});
  return {};
}

// The embedded cover; nullopt for none, or one that cannot be decoded: that is no reason to fail the sound.
std::optional<Picture> CoverOf(const Input& input) {
  if (input.cover() == nullptr || input.cover()->attached_pic.size <= 0) return std::nullopt;
  auto codec = media::OpenDecoder(*input.cover());
  if (!codec) return std::nullopt;
  auto frame = media::NewFrame();
  if (avcodec_send_packet(codec->get(), &input.cover()->attached_pic) < 0) return std::nullopt;
  if (avcodec_send_packet(codec->get(), nullptr) < 0) return std::nullopt;
  if (avcodec_receive_frame(codec->get(), frame.get()) < 0) return std::nullopt;
  auto picture = media::PictureOf(*frame, 0, media::kPosterSide);
  return picture ? std::optional(std::move(*picture)) : std::nullopt;
}

Processed<void> AddPoster(const Input& input, const MediaReport& report, std::optional<double> at, Output& output) {
  if (report.video) {
    const Picture* picture = &report.video->poster;
    if (at) picture = report.video->asked ? &*report.video->asked : nullptr;
    if (picture != nullptr) return AddPicture(*picture, "poster", PictureFormat::kJpeg, output);
    return Refuse("beyond-end", fmt::format("the film lasts {:.2f} s, the poster is asked at {} s",
                                            report.video->seconds, at.value_or(0)));
  }
  if (const auto cover = CoverOf(input)) return AddPicture(*cover, "poster", PictureFormat::kJpeg, output);
  const Picture drawn =
      media::DrawWaveform(report.audio ? report.audio->peaks : media::Peaks(), kWaveformWidth, kWaveformHeight);
  return AddPicture(drawn, "poster", PictureFormat::kPng, output);
}

Processed<void> AddWaveform(const Input& input, const MediaReport& report, Size size, Output& output) {
  if (report.audio) {
    const Picture drawn = media::DrawWaveform(report.audio->peaks, size.width, size.height);
    return AddPicture(drawn, "waveform", PictureFormat::kPng, output);
  }
  if (input.audio() == nullptr) return Refuse("no-audio", "the file has no sound to draw");
  return Refuse("unsupported-codec",
                fmt::format("the codec {} is not decoded here", avcodec_get_name(input.audio()->codecpar->codec_id)));
}

Processed<std::string> PerceptualOf(const MediaReport& report) {
  if (report.video) {
    const auto hash = media::HashOf(report.video->poster);
    if (!hash) return std::unexpected(hash.error());
    return fmt::format("{:016x}", *hash);
  }
  if (!report.audio || report.audio->fingerprint.empty()) return "";
  return fmt::format("{:08x}", report.audio->fingerprint_hash);
}

Processed<Output> Process(std::string_view verb, std::string_view bytes, const Wanted& wanted) {
  if (auto mismatch = RefuseMismatch(verb, bytes)) return std::unexpected(*mismatch);
  auto input = Input::Open(bytes);
  if (!input) return std::unexpected(input.error());
  if (auto fits = CheckKind(verb, **input); !fits) return std::unexpected(fits.error());
  auto report = Analyse(**input, wanted);
  if (!report) return std::unexpected(report.error());

  Output output;
  if (wanted.poster) {
    if (auto added = AddPoster(**input, *report, wanted.poster_at, output); !added)
      return std::unexpected(added.error());
  }
  if (wanted.waveform) {
    auto added = AddWaveform(**input, *report, *wanted.waveform, output);
    if (!added) return std::unexpected(added.error());
  }
  if (wanted.trim) {
    if (wanted.trim->start >= report->seconds()) {
      return Refuse("beyond-end", fmt::format("the file lasts {:.2f} s, the part begins at {} s", report->seconds(),
                                              wanted.trim->start));
    }
    auto trimmed = media::Trim(bytes, *wanted.trim);
    if (!trimmed) return std::unexpected(trimmed.error());
    output.artifacts.push_back(std::move(trimmed->artifact));
    report->trimmed = std::move(*trimmed);
  }
  auto perceptual = PerceptualOf(*report);
  if (!perceptual) return std::unexpected(perceptual.error());
  output.perceptual = std::move(*perceptual);
  output.result_json = media::WriteReport(**input, *report);
  return output;
}

class MediaExecutor final : public ports::Executor {
 public:
  MediaExecutor() {
    media::SetUpLibav();
    // What is loaded at its first use is used once now, while files can be opened: the time zone (for dates in headers)
    // and OpenSSL's configuration.
    tzset();
    static_cast<void>(base::Sha256Of(""));
  }

  [[nodiscard]] std::string version() override {
    int major = 0;
    int minor = 0;
    int patch = 0;
    ebur128_get_version(&major, &minor, &patch);
    return fmt::format("1+ffmpeg{}+ebur128.{}.{}.{}+chromaprint{}", av_version_info(), major, minor, patch,
                       chromaprint_get_version());
  }

  [[nodiscard]] Processed<Output> Run(const ports::IsolatedTask& task) override {
    if ((task.verb != "audio" && task.verb != "video") || task.inputs.size() != 1) {
      return Refuse("unsupported-verb", "this executor takes one audio or video at a time");
    }
    try {
      return Process(task.verb, task.inputs.front(), Read(*task.operations));
    } catch (const std::bad_alloc&) {
      return media::RefuseMemory();
    }
  }
};

}  // namespace

std::unique_ptr<ports::Executor> NewMediaExecutor() {
  return std::make_unique<MediaExecutor>();
}

}  // namespace processors
