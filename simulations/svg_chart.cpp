// SPDX-License-Identifier: Apache-2.0
#include "simulations/svg_chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "simulations/text_table.hpp"

namespace attune::sim {
namespace {

/// The inside of a chart within its picture, in SVG units.
struct Frame {
  double width = 860.0;
  double height = 360.0;
  double left = 64.0;
  double right = 16.0;
  double top = 14.0;
  double bottom = 44.0;
  double x_max = 1.0;
  double y_min = 0.0;
  double y_max = 1.0;

  [[nodiscard]] double x(double value) const { return left + value / x_max * (width - left - right); }
  [[nodiscard]] double y(double value) const {
    return height - bottom - (value - y_min) / (y_max - y_min) * (height - top - bottom);
  }
};

std::string number(double value) {
  std::string text = fixed(value, 1);
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

/// `beside`: room on the right of the frame.
std::string open_svg(const Frame& frame, const std::string& label, double beside = 0.0) {
  return "<svg viewBox=\"0 0 " + number(frame.width + beside) + " " + number(frame.height) +
         "\" role=\"img\" aria-label=\"" + html_escape(label) + "\" xmlns=\"http://www.w3.org/2000/svg\">\n";
}

std::string line(double x1, double y1, double x2, double y2, std::string_view style) {
  return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" +
         number(y2) + "\" class=\"" + std::string(style) + "\"/>\n";
}

std::string text_at(double x, double y, std::string_view anchor, const std::string& text,
                    std::string_view more = "") {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + std::string(anchor) + "\"" +
         std::string(more) + ">" + html_escape(text) + "</text>\n";
}

std::string axes(const Frame& frame, const std::string& x_label, const std::string& y_label) {
  std::string out;
  for (const double tick : axis_ticks(frame.y_min, frame.y_max, 6)) {
    out += line(frame.left, frame.y(tick), frame.width - frame.right, frame.y(tick),
                tick == 0.0 ? "zero" : "grid");
    out += text_at(frame.left - 8, frame.y(tick) + 4, "end", tick_text(tick));
  }
  for (const double tick : axis_ticks(0.0, frame.x_max, 8)) {
    out += line(frame.x(tick), frame.height - frame.bottom, frame.x(tick), frame.height - frame.bottom + 5,
                "tick");
    out += text_at(frame.x(tick), frame.height - frame.bottom + 19, "middle", tick_text(tick));
  }
  const double middle = (frame.left + frame.width - frame.right) / 2;
  out += text_at(middle, frame.height - 6, "middle", x_label, " class=\"label\"");
  const double centre = (frame.top + frame.height - frame.bottom) / 2;
  out += text_at(14, centre, "middle", y_label,
                 " class=\"label\" transform=\"rotate(-90 14 " + number(centre) + ")\"");
  return out;
}

std::string points(const Frame& frame, const std::vector<double>& x, const std::vector<double>& y) {
  std::string out;
  for (std::size_t i = 0; i < y.size(); ++i) {
    out += (i == 0 ? "M" : "L") + number(frame.x(x[i])) + " " + number(frame.y(y[i]));
  }
  return out;
}

/// Names of the dashed lines at their right ends, above them, kept a line's height apart.
std::string end_labels(const Frame& frame, const LineChart& chart) {
  std::vector<std::pair<double, std::string>> labels;
  for (const ChartLine& l : chart.lines) {
    if (l.dashed && !l.y.empty()) {
      labels.emplace_back(frame.y(l.y.back()) - 5.0, l.name);
    }
  }
  std::sort(labels.begin(), labels.end());
  std::string out;
  double lowest = 0.0;
  for (const auto& [wanted, name] : labels) {
    const double y = std::max(wanted, lowest);
    lowest = y + 12.0;
    out += text_at(frame.width - frame.right - 2, y, "end", name, " class=\"end\"");
  }
  return out;
}

/// The names of the other lines beside the frame, in the order in which they end.
std::string names_beside(const Frame& frame, const LineChart& chart) {
  std::vector<const ChartLine*> lines;
  for (const ChartLine& l : chart.lines) {
    if (!l.dashed && !l.y.empty()) {
      lines.push_back(&l);
    }
  }
  std::ranges::stable_sort(lines, std::greater{}, [](const ChartLine* l) { return l->y.back(); });
  std::string out;
  double y = frame.top + 12.0;
  for (const ChartLine* l : lines) {
    out += "<path class=\"curve\" stroke=\"" + l->colour + "\" d=\"M" + number(frame.width + 4) + " " +
           number(y - 4) + "h16\"/>\n" + text_at(frame.width + 26, y, "start", l->name);
    y += 18.0;
  }
  return out;
}

std::string band(const Frame& frame, const std::vector<double>& x, const ChartLine& l) {
  std::string out = "<path class=\"band\" fill=\"" + l.colour + "\" d=\"" + points(frame, x, l.high);
  for (std::size_t i = l.low.size(); i-- > 0;) {
    out += "L" + number(frame.x(x[i])) + " " + number(frame.y(l.low[i]));
  }
  return out + "Z\"/>\n";
}

/// Names are put one above the other, from the axis up, so that neighbours do not run into each other.
std::string spans(const Frame& frame, const std::vector<ChartSpan>& list) {
  std::string out;
  double y = frame.height - frame.bottom - 6;
  for (const ChartSpan& span : list) {
    const double left = frame.x(span.from);
    const double right = frame.x(std::min(span.until, frame.x_max));
    out += "<rect class=\"fault\" x=\"" + number(left) + "\" y=\"" + number(frame.top) + "\" width=\"" +
           number(right - left) + "\" height=\"" + number(frame.height - frame.top - frame.bottom) + "\"/>\n";
    out += text_at(left + 4, y, "start", span.name);
    y -= 13;
  }
  return out;
}

}  // namespace

std::vector<double> axis_ticks(double low, double high, std::size_t count) {
  if (!(high > low) || count == 0) {
    return {low};
  }
  const double rough = (high - low) / static_cast<double>(count);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10.0 * power;
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= rough) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1.0) {
    ticks.push_back(k == 0.0 ? 0.0 : k * step);
  }
  return ticks;
}

std::string tick_text(double value) {
  const auto trimmed = [](std::string text) {
    if (text.find('.') != std::string::npos) {
      text.erase(text.find_last_not_of('0') + 1);
      if (text.ends_with('.')) {
        text.pop_back();
      }
    }
    return text;
  };
  if (std::fabs(value) >= 1e6) {
    return trimmed(fixed(value / 1e6, 2)) + "M";
  }
  if (std::fabs(value) >= 1e4) {
    return trimmed(fixed(value / 1e3, 1)) + "k";
  }
  return trimmed(fixed(value, std::fabs(value) < 1.0 ? 5 : 2));
}

std::string html_escape(std::string_view text) {
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
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string palette_colour(std::size_t index) {
  static constexpr std::array<std::string_view, 14> kColours{
      "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6BB1",
      "#B2A100", "#66A5CC", "#E69A66", "#66C5AB", "#E0AFCA", "#A0522D", "#2F4F4F"};
  return std::string(kColours.at(index % kColours.size()));
}

namespace {

constexpr double kNamesWidth = 210.0;

/// The frame around everything that is drawn.
Frame frame_of(const LineChart& chart) {
  Frame frame;
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const ChartLine& l : chart.lines) {
    for (const std::vector<double>* values : {&l.y, &l.low, &l.high}) {
      for (const double y : *values) {
        low = std::min(low, y);
        high = std::max(high, y);
      }
    }
  }
  if (!(low < high)) {
    low = std::isfinite(low) ? low - 0.5 : 0.0;
    high = low + 1.0;
  }
  const double room = 0.04 * (high - low);
  frame.y_min = low >= 0.0 && low < 0.3 * high ? 0.0 : low - room;
  frame.y_max = high + room;
  frame.x_max = chart.x.empty() ? 1.0 : chart.x.back();

  return frame;
}

std::string line_chart(const LineChart& chart, const Frame& frame, double beside) {
  std::string out = open_svg(frame, chart.y_label + " over " + chart.x_label, beside);
  out += spans(frame, chart.spans);
  out += axes(frame, chart.x_label, chart.y_label);
  for (const ChartLine& l : chart.lines) {
    out += "<g class=\"series\" data-name=\"" + html_escape(l.name) + "\">\n";
    if (!l.low.empty()) {
      out += band(frame, chart.x, l);
    }
    out += "<path class=\"curve" + std::string(l.dashed ? " dashed" : "") + "\" stroke=\"" + l.colour +
           "\" d=\"" + points(frame, chart.x, l.y) + "\"><title>" + html_escape(l.name) +
           "</title></path>\n</g>\n";
  }
  return out + end_labels(frame, chart);
}

}  // namespace

std::string line_chart_svg(const LineChart& chart) {
  return line_chart(chart, frame_of(chart), 0.0) + "</svg>\n";
}

std::string standalone_svg(const LineChart& chart) {
  static constexpr std::string_view kStyle =
      "<style>svg{background:#fff;--baseline:#777}text{font:12px sans-serif;fill:#444}"
      ".grid{stroke:#ddd}.zero,.tick{stroke:#888}.dashed{stroke-dasharray:5 4}.fault{fill:#d55e0018}"
      ".curve{fill:none;stroke-width:2;stroke-linejoin:round}.band{opacity:.14;stroke:none}</style>\n";
  const Frame frame = frame_of(chart);
  std::string svg = line_chart(chart, frame, kNamesWidth) + names_beside(frame, chart) + "</svg>\n";
  svg.insert(svg.find('>') + 1, kStyle);
  return svg;
}

std::string share_chart_svg(const ShareChart& chart) {
  Frame frame;
  frame.width = 420.0;
  frame.height = 210.0;
  frame.left = 40.0;
  frame.right = 8.0;
  frame.top = 26.0;
  frame.bottom = 24.0;
  frame.x_max = chart.x_max;
  std::string out = open_svg(frame, "shares of arms over time, " + chart.title);
  out += text_at(frame.left, 16, "start", chart.title, " class=\"title\"");
  const std::size_t windows = chart.values.empty() ? 0 : chart.values.front().size();
  std::vector<double> total(windows);
  for (const std::vector<double>& series : chart.values) {
    for (std::size_t w = 0; w < windows; ++w) {
      total[w] += series[w];
    }
  }
  // Steps rather than slopes: a window is a count, and nothing is known between two of them.
  std::vector<double> base(windows);
  const auto edge = [&](std::size_t w) {
    return frame.x(chart.x_max * static_cast<double>(w) / static_cast<double>(windows));
  };
  for (std::size_t i = 0; i < chart.values.size(); ++i) {
    std::string upper;
    std::string lower;
    for (std::size_t w = 0; w < windows; ++w) {
      const double share = total[w] > 0.0 ? chart.values[i][w] / total[w] : 0.0;
      const double from = frame.y(base[w]);
      base[w] += share;
      const double to = frame.y(std::min(1.0, base[w]));
      upper += (w == 0 ? "M" : "L") + number(edge(w)) + " " + number(to) + "L" + number(edge(w + 1)) + " " +
               number(to);
      lower =
          "L" + number(edge(w + 1)) + " " + number(from) + "L" + number(edge(w)) + " " + number(from) + lower;
    }
    out += "<path class=\"share\" fill=\"" + chart.colours[i] + "\" d=\"" + upper + lower + "Z\"><title>" +
           html_escape(chart.names[i]) + "</title></path>\n";
  }
  for (const double tick : {0.0, 0.5, 1.0}) {
    out += text_at(frame.left - 6, frame.y(tick) + 4, "end",
                   std::to_string(static_cast<int>(100.0 * tick)) + "%");
  }
  for (const double tick : axis_ticks(0.0, frame.x_max, 4)) {
    out += text_at(std::min(frame.x(tick), frame.width - 16), frame.height - 7, "middle", tick_text(tick));
  }
  return out + "</svg>\n";
}

}  // namespace attune::sim
