// SPDX-License-Identifier: Apache-2.0
/// @file
/// The report of a run: one HTML file that needs nothing else, not even a network.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "simulations/runner.hpp"
#include "simulations/scenario.hpp"

namespace attune::sim {

/// A further part of the report: a heading and lines of (what, text).
struct ReportSection {
  std::string heading;
  std::vector<std::pair<std::string, std::string>> lines;
};

/// Cumulative regret with bands, mean reward, shares of arms over time, the table, how it was set up; then
/// `more`.
[[nodiscard]] std::string report_html(const Scenario& scenario, const ScenarioResult& result,
                                      const std::vector<ReportSection>& more);

/// The first chart of the report, cumulative regret, as an SVG file.
[[nodiscard]] std::string regret_svg(const Scenario& scenario, const ScenarioResult& result);

}  // namespace attune::sim
