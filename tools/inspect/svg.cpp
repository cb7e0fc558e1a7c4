// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/svg.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "tools/inspect/text.hpp"

namespace attune::tools {
namespace {

constexpr double kWidth = 920.0;
constexpr double kLeft = 72.0;
constexpr double kLegend = 230.0;  // room on the right
constexpr double kPlotWidth = kWidth - kLeft - kLegend;

// Okabe, Ito (2008), "Color Universal Design", then lighter steps of the same hues.
constexpr std::array<const char*, 14> kColours{"#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7",
                                               "#56b4e9", "#8c6d31", "#7f7f7f", "#7fb8d8", "#f2cf7f",
                                               "#7fceb9", "#eaae7f", "#e5bcd3", "#c5b998"};

[[nodiscard]] std::string colour(std::size_t index) { return kColours[index % kColours.size()]; }

[[nodiscard]] std::string at(double value) {
  std::array<char, 32> buffer{};
  static_cast<void>(std::snprintf(buffer.data(), buffer.size(), "%.1f", value));
  return buffer.data();
}

[[nodiscard]] std::string label(double x, double y, std::string_view anchor, std::string_view text,
                                std::string_view more = {}) {
  return "<text x=\"" + at(x) + "\" y=\"" + at(y) + "\" text-anchor=\"" + std::string(anchor) + "\"" +
         std::string(more) + ">" + xml_escape(text) + "</text>\n";
}

[[nodiscard]] std::string rule(double x1, double y1, double x2, double y2, std::string_view stroke) {
  return "<line x1=\"" + at(x1) + "\" y1=\"" + at(y1) + "\" x2=\"" + at(x2) + "\" y2=\"" + at(y2) +
         "\" stroke=\"" + std::string(stroke) + "\"/>\n";
}

[[nodiscard]] std::string opening(double height, const std::string& title) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + at(kWidth) + "\" height=\"" + at(height) +
         "\" viewBox=\"0 0 " + at(kWidth) + " " + at(height) +
         "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n<title>" + xml_escape(title) +
         "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" +
         label(kLeft, 24, "start", title, " font-size=\"15\" font-weight=\"bold\"");
}

/// Round numbers, about `count` of them, that mark an axis.
[[nodiscard]] std::vector<double> ticks(double low, double high, int count) {
  std::vector<double> found;
  if (!(high > low)) {
    return found;
  }
  const double raw = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double step = power * (raw / power < 1.5   ? 1.0
                               : raw / power < 3.5 ? 2.0
                               : raw / power < 7.5 ? 5.0
                                                   : 10.0);
  const auto first = static_cast<long>(std::ceil(low / step - 1e-9));
  const auto last = static_cast<long>(std::floor(high / step + 1e-9));
  for (long i = first; i <= last; ++i) {
    found.push_back(static_cast<double>(i) * step);
  }
  return found;
}

struct Frame {
  double top = 0.0;
  double height = 0.0;
  double low = 0.0;
  double high = 1.0;
  std::size_t windows = 1;

  /// Cut at the frame.
  [[nodiscard]] double y(double value) const {
    return top + height * ((high - std::clamp(value, low, high)) / (high - low));
  }
  /// Middle of a window.
  [[nodiscard]] double x(std::size_t window) const {
    return kLeft + kPlotWidth * (static_cast<double>(window) + 0.5) / static_cast<double>(windows);
  }
  [[nodiscard]] double edge(std::size_t window) const {
    return kLeft + kPlotWidth * static_cast<double>(window) / static_cast<double>(windows);
  }
};

[[nodiscard]] std::string axes(const Frame& frame, std::uint64_t decisions, bool in_percent) {
  std::string out;
  for (const double tick : ticks(frame.low, frame.high, 5)) {
    out += rule(kLeft, frame.y(tick), kLeft + kPlotWidth, frame.y(tick), "#ddd");
    out += label(kLeft - 8, frame.y(tick) + 4, "end",
                 in_percent ? rounded(100.0 * tick, 3) + " %" : rounded(tick, 4));
  }
  const auto total = static_cast<double>(decisions);
  for (const double tick : ticks(0.0, total, 6)) {
    const double x = kLeft + kPlotWidth * tick / total;
    out += rule(x, frame.top + frame.height, x, frame.top + frame.height + 4, "#888");
    out += label(x, frame.top + frame.height + 18, "middle", grouped(static_cast<std::uint64_t>(tick)));
  }
  return out;
}

void widen(const std::vector<double>& values, double& low, double& high) {
  constexpr double kMost = 1e300;  // differences of larger numbers may be infinite
  for (const double value : values) {
    if (std::isfinite(value)) {
      low = std::min(low, std::clamp(value, -kMost, kMost));
      high = std::max(high, std::clamp(value, -kMost, kMost));
    }
  }
}

[[nodiscard]] Frame frame_of(const CurvePanel& panel, double top, double height) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  std::size_t windows = 1;
  for (const Curve& curve : panel.curves) {
    windows = std::max(windows, curve.y.size());
    widen(curve.y, low, high);
  }
  // Bands of windows with few values would squeeze the curves: they are cut at twice the curves' own range.
  if (!(low <= high)) {
    low = 0.0;
    high = 1.0;
  }
  const double room = std::max(high - low, std::abs(high) * 1e-3 + 1e-12) * 0.25;
  return {.top = top, .height = height, .low = low - room, .high = high + room, .windows = windows};
}

[[nodiscard]] std::string band(const Curve& curve, const Frame& frame) {
  std::string upper;
  std::string lower;
  for (std::size_t i = 0; i < curve.low.size(); ++i) {
    if (std::isfinite(curve.low[i]) && std::isfinite(curve.high[i])) {
      upper += at(frame.x(i)) + "," + at(frame.y(curve.high[i])) + " ";
      lower.insert(0, at(frame.x(i)) + "," + at(frame.y(curve.low[i])) + " ");
    }
  }
  return upper.empty() ? std::string()
                       : "<polygon points=\"" + upper + lower + "\" fill=\"" + colour(curve.colour) +
                             "\" fill-opacity=\"0.15\"/>\n";
}

[[nodiscard]] std::string path(const Curve& curve, const Frame& frame) {
  std::string d;
  bool drawing = false;
  for (std::size_t i = 0; i < curve.y.size(); ++i) {
    if (!std::isfinite(curve.y[i])) {
      drawing = false;
      continue;
    }
    d += (drawing ? "L" : "M") + at(frame.x(i)) + " " + at(frame.y(curve.y[i]));
    drawing = true;
  }
  return "<path d=\"" + d + "\" fill=\"none\" stroke=\"" + colour(curve.colour) + "\" stroke-width=\"1.8\"" +
         (curve.dashed ? " stroke-dasharray=\"6 4\"" : "") + "/>\n";
}

[[nodiscard]] std::string legend_entry(double y, std::size_t index, const std::string& name, bool dashed,
                                       bool box) {
  const double x = kLeft + kPlotWidth + 16;
  const std::string mark = box ? "<rect x=\"" + at(x) + "\" y=\"" + at(y - 10) +
                                     "\" width=\"12\" height=\"12\" fill=\"" + colour(index) + "\"/>\n"
                               : "<line x1=\"" + at(x) + "\" y1=\"" + at(y - 4) + "\" x2=\"" + at(x + 18) +
                                     "\" y2=\"" + at(y - 4) + "\" stroke=\"" + colour(index) +
                                     "\" stroke-width=\"2\"" + (dashed ? " stroke-dasharray=\"6 4\"" : "") +
                                     "/>\n";
  constexpr std::size_t kMost = 30;
  return mark + label(x + 24, y, "start", shortened(name, kMost));
}

}  // namespace

std::string shortened(const std::string& text, std::size_t most) {
  if (text.size() <= most) {
    return text;
  }
  std::size_t end = most - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;  // half a character would make the picture unreadable
  }
  return text.substr(0, end) + "...";
}

std::string xml_escape(std::string_view text) {
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
        out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return out;
}

std::string curves_svg(const std::string& title, std::uint64_t decisions,
                       const std::vector<CurvePanel>& panels) {
  constexpr double kPanel = 220.0;
  constexpr double kGap = 64.0;
  const double height = 40.0 + static_cast<double>(panels.size()) * (kPanel + kGap);
  std::string out = opening(height, title);
  double top = 60.0;
  for (const CurvePanel& panel : panels) {
    const Frame frame = frame_of(panel, top, kPanel);
    out += label(kLeft, top - 8, "start", panel.title, " font-weight=\"bold\"");
    out += axes(frame, decisions, false);
    double y = top + 12.0;
    for (const Curve& curve : panel.curves) {
      out += band(curve, frame) + path(curve, frame) +
             legend_entry(y, curve.colour, curve.name, curve.dashed, false);
      y += 20.0;
    }
    top += kPanel + kGap;
  }
  return out + label(kLeft + kPlotWidth / 2, height - 6, "middle", "decisions") + "</svg>\n";
}

std::string shares_svg(const std::string& title, std::uint64_t decisions,
                       const std::vector<std::string>& names,
                       const std::vector<std::vector<double>>& shares) {
  constexpr double kTop = 44.0;
  constexpr double kLine = 20.0;
  const double plot = std::max(320.0, kLine * static_cast<double>(names.size()));
  const double height = kTop + plot + 48.0;
  const std::size_t windows = shares.empty() ? 1 : shares.front().size();
  const Frame frame{.top = kTop, .height = plot, .low = 0.0, .high = 1.0, .windows = windows};
  std::string out = opening(height, title);
  std::vector<double> below(windows, 0.0);
  for (std::size_t series = 0; series < shares.size(); ++series) {
    std::string upper;
    std::string lower;
    for (std::size_t i = 0; i < windows; ++i) {
      const double above = below[i] + shares[series][i];
      for (const double x : {frame.edge(i), frame.edge(i + 1)}) {
        upper += at(x) + "," + at(frame.y(above)) + " ";
      }
      lower = at(frame.edge(i + 1)) + "," + at(frame.y(below[i])) + " " + at(frame.edge(i)) + "," +
              at(frame.y(below[i])) + " " + lower;
      below[i] = above;
    }
    out += "<polygon points=\"" + upper + lower + "\" fill=\"" + colour(series) + "\"/>\n";
  }
  out += axes(frame, decisions, true);
  for (std::size_t series = 0; series < names.size(); ++series) {
    out +=
        legend_entry(kTop + 12.0 + kLine * static_cast<double>(series), series, names[series], false, true);
  }
  return out + label(kLeft + kPlotWidth / 2, height - 6, "middle", "decisions") + "</svg>\n";
}

}  // namespace attune::tools
