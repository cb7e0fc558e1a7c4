// SPDX-License-Identifier: Apache-2.0
/// @file
/// Charts as SVG files that need nothing else: no script, no font, no style sheet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attune::tools {

/// One line over windows; NaN leaves a gap. `low` and `high` (may be empty) bound a band.
struct Curve {
  std::string name;
  std::vector<double> y;
  std::vector<double> low;
  std::vector<double> high;
  bool dashed = false;
  std::size_t colour = 0;
};

struct CurvePanel {
  std::string title;
  std::vector<Curve> curves;
};

/// Panels under one another, over the decisions 0 ... `decisions`.
[[nodiscard]] std::string curves_svg(const std::string& title, std::uint64_t decisions,
                                     const std::vector<CurvePanel>& panels);
/// Shares of one whole over time, stacked: shares[series][window], each window adds up to at most 1.
[[nodiscard]] std::string shares_svg(const std::string& title, std::uint64_t decisions,
                                     const std::vector<std::string>& names,
                                     const std::vector<std::vector<double>>& shares);

/// `text`, or as much of it as fits into `most` bytes with "..." behind it; no character is cut in two.
[[nodiscard]] std::string shortened(const std::string& text, std::size_t most);
/// `text` for SVG content and attributes; what XML does not allow becomes a question mark.
[[nodiscard]] std::string xml_escape(std::string_view text);

}  // namespace attune::tools
