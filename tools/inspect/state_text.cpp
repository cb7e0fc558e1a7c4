// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/state_text.hpp"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tools/inspect/guards.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools {

using Json = nlohmann::ordered_json;

std::string point_text(const PointView& view) {
  const PointMetrics& metrics = view.metrics;
  const CollectorCounters& seen = metrics.rewards;
  std::string out = printable(metrics.name) + ": " + printable(view.description.summary) + "\n";
  add_line(out, "  version", grouped(metrics.version));
  add_line(out, "  decisions",
           grouped(metrics.decisions) + ", " + grouped(metrics.explored) + " to explore, " +
               grouped(metrics.fallbacks) + " by a fallback");
  add_line(out, "  rewards",
           grouped(seen.learned + seen.learned_late) + " learned, " + grouped(metrics.pending) +
               " waited for, " + grouped(seen.silent + seen.censored) + " never came, mean " +
               rounded(seen.reward_sum / static_cast<double>(seen.learned + seen.learned_late), 6));
  if (std::isfinite(metrics.regret_estimated)) {
    add_line(out, "  regret",
             rounded(metrics.regret_estimated, 4) + " estimated, against the arm with the largest mean");
  }
  for (const DriftMetrics& watch : metrics.drift) {
    const std::string of = watch.last_of.empty() ? "" : " of " + printable(watch.last_of);
    add_line(
        out, "  drift " + printable(watch.name),
        watch.watch + ", " + watch.detector + ": " + plural(watch.drifts, "drift") + ", " +
            plural(watch.warnings, "warning") + " in " + plural(watch.values, "value") +
            (watch.last_position == 0 ? std::string()
                                      : "; the last" + of + " at record " + grouped(watch.last_position)));
  }
  if (metrics.screening) {
    for (const auto& [what, numbers] : screening_lines(*metrics.screening)) {
      add_line(out, "  " + what, numbers);
    }
  }
  for (const auto& [name, value] : view.description.values) {
    add_line(out, "  " + name, rounded(value, 8));
  }
  if (view.description.rows.empty()) {
    return out;
  }
  const bool rows_are_arms = view.row_names.size() == metrics.selections.size();
  std::vector<std::string> names{rows_are_arms ? "arm" : "row"};
  if (rows_are_arms) {
    names.emplace_back(">pulls");
  }
  for (const std::string& column : view.description.columns) {
    names.push_back(">" + column);
  }
  InspectTable table(names);
  for (std::size_t row = 0; row < view.row_names.size(); ++row) {
    std::vector<std::string> cells{printable(view.row_names[row])};
    if (rows_are_arms) {
      cells.push_back(grouped(metrics.selections[row]));
    }
    for (const double value : view.description.rows[row]) {
      cells.push_back(rounded(value, 6));
    }
    table.add(std::move(cells));
  }
  return out + "\n" + table.text();
}

Json point_json(const PointView& view) {
  Json values = Json::object();
  Json rows = Json::array();
  std::size_t row = 0;
  for (const NamedValue& value : values_of(view)) {
    if (value.row.empty()) {
      values[value.column] = json_number(value.value);
    }
  }
  const bool rows_are_arms = view.row_names.size() == view.metrics.selections.size();
  for (const std::string& name : view.row_names) {
    Json numbers = Json::object();
    for (std::size_t column = 0; column < view.description.columns.size(); ++column) {
      numbers[view.description.columns[column]] = json_number(view.description.rows[row][column]);
    }
    Json entry{{rows_are_arms ? "arm" : "row", name}};
    if (rows_are_arms) {
      entry["pulls"] = view.metrics.selections[row];
    }
    entry["values"] = std::move(numbers);
    rows.push_back(std::move(entry));
    ++row;
  }
  return {{"point", view.metrics.name},
          {"policy", view.metrics.policy},
          {"summary", view.description.summary},
          {"values", std::move(values)},
          {"rows", std::move(rows)}};
}

}  // namespace attune::tools
