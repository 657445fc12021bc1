#include "reducers/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/clock.h"

namespace reducers {

namespace {

constexpr double kWidth = 960;
constexpr double kLeft = 84;
constexpr double kRight = 24;
constexpr double kTop = 96;
constexpr double kPanel = 96;    // height of one plot
constexpr double kSpacing = 40;  // between plots: the next one's name stands there
constexpr double kBottom = 56;
constexpr double kPlot = kWidth - kLeft - kRight;
constexpr std::size_t kHues = 8;

// Told apart with any colour vision: after Okabe & Ito (2008), darker on light paper and lighter on dark.
struct Palette {
  std::string_view ink, soft, grid, paper;
  std::string_view hues[kHues];
};
constexpr Palette kLight = {"#1d2433",
                            "#5c667a",
                            "#e3e7ee",
                            "#ffffff",
                            {"#0072b2", "#d55e00", "#009e73", "#b0568c", "#a87a00", "#2f8fc4", "#6a5acd", "#8a4b2f"}};
constexpr Palette kDark = {"#e8ecf4",
                           "#9aa5b8",
                           "#2c3444",
                           "#131824",
                           {"#56b4e9", "#ff9040", "#3ed6a8", "#e59ac6", "#f0c430", "#8cd0f5", "#a99bff", "#d79a7c"}};

// Classes with plain colours: many viewers of SVG know neither variables nor preferences, and show the first set.
std::string Colours(const Palette& palette) {
  std::string css = fmt::format("text{{fill:{}}}.title,.name{{fill:{}}}.grid{{stroke:{}}}.paper{{fill:{}}}",
                                palette.soft, palette.ink, palette.grid, palette.paper);
  for (std::size_t i = 0; i < kHues; ++i) {
    fmt::format_to(std::back_inserter(css), ".s{0}{{stroke:{1}}}.f{0}{{fill:{1}}}", i, palette.hues[i]);
  }
  return css;
}

std::string Style() {
  return "<style>text{font-family:system-ui,\"Segoe UI\",\"DejaVu Sans\",sans-serif;font-size:12px}"
         ".title{font-size:20px;font-weight:600}.name{font-size:13px;font-weight:600}"
         ".num{font-variant-numeric:tabular-nums}.grid{stroke-width:1}.band{opacity:.18;stroke:none}"
         ".line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}\n" +
         Colours(kLight) + "\n@media (prefers-color-scheme:dark){" + Colours(kDark) + "}</style>\n";
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20) out += c;  // XML has no place for control characters
    }
  }
  return out;
}

std::string Label(double value) {
  if (value == 0) return "0";
  return std::abs(value) >= 1e6 || std::abs(value) < 1e-3 ? fmt::format("{:.2e}", value) : fmt::format("{:.4g}", value);
}

// Round steps that cut [low, high] into about `parts`.
double RoundStep(double span, int parts) {
  const double rough = span / parts;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

std::string Clock(std::int64_t ms, std::int64_t step_ms) {
  const std::string text = base::FormatTime(base::FromUnixMicros(ms * 1000));
  if (step_ms >= 86'400'000) return text.substr(0, 10);
  if (step_ms >= 60'000) return text.substr(11, 5);
  return step_ms >= 1000 ? text.substr(11, 8) : text.substr(11, 12);
}

class Chart {
 public:
  Chart(const AlignedSeries& series, const std::vector<std::string>& fields) : series_(series), fields_(fields) {
    start_ms_ = static_cast<double>(series.first()) * Step();
    span_ms_ = std::max(1.0, static_cast<double>(series.last() - series.first() + 1) * Step());
    height_ =
        kTop + static_cast<double>(std::max<std::size_t>(fields.size(), 1)) * (kPanel + kSpacing) + kBottom - kSpacing;
  }

  std::string Draw(std::string_view title) {
    const std::string from = When(start_ms_);
    const std::string to = When(start_ms_ + span_ms_);
    Put(R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" aria-labelledby="t d">)",
        kWidth, height_);
    Put("\n<title id=\"t\">{}</title>\n<desc id=\"d\">", Escaped(title));
    Put("{} over time from {} to {} UTC, from {} toons. Lines are means, bands run from minimum to maximum.</desc>\n",
        Escaped(fmt::format("{}", fmt::join(fields_, ", "))), from, to, series_.toons());
    out_ += Style();
    Put(R"(<rect class="paper" width="{}" height="{}" rx="12"/>)", kWidth, height_);
    Put(R"(<text class="title" x="24" y="38">{}</text>)", Escaped(title));
    Put(R"(<text x="24" y="60">{} – {} UTC · {} toon{} · line: mean, band: min–max</text>)", from, to, series_.toons(),
        series_.toons() == 1 ? "" : "s");
    if (fields_.empty()) Put(R"(<text x="{}" y="{}">There is nothing to draw.</text>)", kLeft, kTop + kPanel / 2);
    for (std::size_t i = 0; i < fields_.size(); ++i) DrawPanel(i);
    if (!fields_.empty()) DrawTimes();
    out_ += "</svg>\n";
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void Put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }
  [[nodiscard]] double Step() const { return std::ldexp(1.0, static_cast<int>(series_.shift())); }
  [[nodiscard]] double X(double ms) const { return kLeft + (ms - start_ms_) / span_ms_ * kPlot; }
  // Years that the calendar of the clock does not have are shown as its ends.
  static std::int64_t Shown(double ms) {
    return static_cast<std::int64_t>(std::clamp(ms, -62'135'596'800'000.0, 253'402'300'799'000.0));
  }
  static std::string When(double ms) {
    std::string text = base::FormatTime(base::FromUnixMicros(Shown(ms) * 1000));
    text[10] = ' ';
    return text.substr(0, 19);
  }

  void DrawPanel(std::size_t index) {
    const auto& field = series_.fields().find(fields_[index])->second;
    const double top = kTop + static_cast<double>(index) * (kPanel + kSpacing);
    double low = field.begin()->second.min;
    double high = field.begin()->second.max;
    for (const auto& [number, bucket] : field) {
      low = std::min(low, bucket.min);
      high = std::max(high, bucket.max);
    }
    Put("\n<g><rect x=\"{}\" y=\"{}\" width=\"10\" height=\"10\" rx=\"3\" class=\"f{}\"/>", kLeft, top - 19,
        index % kHues);
    Put(R"(<text class="name" x="{}" y="{}">{}</text>)", kLeft + 16, top - 10, Escaped(fields_[index]));
    Put(R"(<text class="num" x="{}" y="{}" text-anchor="end">min {} · max {}</text>)", kWidth - kRight, top - 10,
        Label(low), Label(high));
    // As good as constant: a line in the middle.
    const bool flat = high / 2 - low / 2 <= 1e-12 * std::max({std::abs(low), std::abs(high), 1e-280});
    const double margin = flat ? std::max(std::abs(low) * 0.1, 0.5) : (high / 2 - low / 2) * 0.12;
    DrawCurve(field, top, low - margin, high + margin, index % kHues);
    out_ += "</g>";
  }

  void DrawCurve(const AlignedSeries::Field& field, double top, double low, double high, std::size_t hue) {
    const double span = high / 2 - low / 2;  // halves: the whole may overflow
    const auto y = [&](double value) { return top + kPanel - (value / 2 - low / 2) / span * kPanel; };
    if (std::isfinite(span * 2)) {
      const double step = RoundStep(span * 2, 4);
      for (double line = std::ceil(low / step) * step; line <= high; line += step) {
        Put(R"(<path class="grid" d="M{} {:.1f}H{}"/>)", kLeft, y(line), kWidth - kRight);
        Put(R"(<text class="num" x="{}" y="{:.1f}" text-anchor="end">{}</text>)", kLeft - 10, y(line) + 4,
            Label(std::abs(line) < step / 2 ? 0 : line));
        if (line + step == line) break;
      }
    }
    std::string line;
    for (auto at = field.begin(); at != field.end();) at = DrawRun(field, at, y, hue, line);
    Put(R"(<path class="line s{}" d="{}"/>)", hue, line);
  }

  // One run of buckets without a hole: its band, and its part of the line.
  template <typename ToY>
  AlignedSeries::Field::const_iterator DrawRun(const AlignedSeries::Field& field,
                                               AlignedSeries::Field::const_iterator at, const ToY& y, std::size_t hue,
                                               std::string& line) {
    std::string upper;
    std::string lower;
    std::int64_t expected = at->first;
    const char* pen = "M";
    for (; at != field.end() && at->first == expected; ++at, ++expected, pen = "L") {
      const Bucket& bucket = at->second;
      const double x = X((static_cast<double>(at->first) + 0.5) * Step());
      fmt::format_to(std::back_inserter(line), "{}{:.1f} {:.1f}", pen, x,
                     y(bucket.sum / static_cast<double>(bucket.count)));
      fmt::format_to(std::back_inserter(upper), "{}{:.1f} {:.1f}", pen, x, y(bucket.max));
      lower.insert(0, fmt::format("L{:.1f} {:.1f}", x, y(bucket.min)));
    }
    if (*pen == 'L' && upper.find('L') != std::string::npos) {
      Put(R"(<path class="band f{}" d="{}{}Z"/>)", hue, upper, lower);
    } else {
      line += "h0";  // a lone bucket is a dot
    }
    return at;
  }

  void DrawTimes() {
    constexpr std::int64_t kSteps[] = {1,          2,          5,          10,          20,         50,
                                       100,        200,        500,        1000,        2000,       5000,
                                       10'000,     15'000,     30'000,     60'000,      120'000,    300'000,
                                       600'000,    900'000,    1'800'000,  3'600'000,   7'200'000,  10'800'000,
                                       21'600'000, 43'200'000, 86'400'000, 172'800'000, 604'800'000};
    std::int64_t step = 604'800'000;
    for (const std::int64_t candidate : kSteps) {
      if (span_ms_ / static_cast<double>(candidate) <= 8) {
        step = candidate;
        break;
      }
    }
    while (span_ms_ / static_cast<double>(step) > 8) step *= 2;
    const double bottom = height_ - kBottom;
    const double last = start_ms_ + span_ms_;
    for (double at = std::ceil(start_ms_ / static_cast<double>(step)) * static_cast<double>(step); at <= last;
         at += static_cast<double>(step)) {
      Put(R"(<path class="grid" d="M{:.1f} {}V{}"/>)", X(at), bottom, bottom + 6);
      Put(R"(<text class="num" x="{:.1f}" y="{}" text-anchor="middle">{}</text>)", X(at), bottom + 22,
          Clock(Shown(at), step));
    }
    Put(R"(<text x="{}" y="{}" text-anchor="end">time (UTC)</text>)", kWidth - kRight, bottom + 42);
  }

  const AlignedSeries& series_;
  const std::vector<std::string>& fields_;
  double start_ms_ = 0;
  double span_ms_ = 1;
  double height_ = 0;
  std::string out_;
};

}  // namespace

std::string DrawChart(const AlignedSeries& series, const std::vector<std::string>& fields, std::string_view title) {
  return Chart(series, fields).Draw(title);
}

}  // namespace reducers
