// SPDX-License-Identifier: Apache-2.0
/// @file
/// SVG charts for the report: lines with bands, and stacked shares. Text only; no library, no script needed
/// to see them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace attune::sim {

/// One line of a chart; `low` and `high` (may be empty) bound a band around it.
struct ChartLine {
  std::string name;
  std::string colour;
  bool dashed = false;
  std::vector<double> y;
  std::vector<double> low;
  std::vector<double> high;
};

/// A stretch of the x axis that is shaded and named.
struct ChartSpan {
  std::string name;
  double from = 0.0;
  double until = 0.0;
};

struct LineChart {
  std::string x_label;
  std::string y_label;
  std::vector<double> x;
  std::vector<ChartLine> lines;
  std::vector<ChartSpan> spans{};
};

/// Shares over time: values[i][window] of series i; each window is scaled to add up to 1.
struct ShareChart {
  std::string title;
  double x_max = 1.0;
  std::vector<std::string> names;
  std::vector<std::string> colours;
  std::vector<std::vector<double>> values;
};

/// An <svg> element. Lines carry the class "series" and data-name, so that a script can hide them and read
/// them out.
[[nodiscard]] std::string line_chart_svg(const LineChart& chart);
/// The same as a file of its own: with the lines' names, and with what a report's style sheet gives to it.
[[nodiscard]] std::string standalone_svg(const LineChart& chart);
[[nodiscard]] std::string share_chart_svg(const ShareChart& chart);

/// Values at which an axis from `low` to `high` is marked: about `count` round numbers.
[[nodiscard]] std::vector<double> axis_ticks(double low, double high, std::size_t count);
/// A tick as text: "12k", "0.25".
[[nodiscard]] std::string tick_text(double value);

/// `text` for HTML and SVG content and attributes.
[[nodiscard]] std::string html_escape(std::string_view text);

/// Colours that people with any colour vision can tell apart, used over and over.
///
/// Source: Okabe, Ito (2008), "Color Universal Design", followed by lighter steps of the same hues.
[[nodiscard]] std::string palette_colour(std::size_t index);

}  // namespace attune::sim
