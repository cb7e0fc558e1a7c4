// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/state_view.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <utility>

namespace attune::tools {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

[[nodiscard]] bool same(double a, double b) noexcept {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

void compare(const std::string& point, const std::vector<NamedValue>& left,
             const std::vector<NamedValue>& right, std::vector<Difference>& out) {
  std::map<std::pair<std::string, std::string>, double> other;
  for (const NamedValue& value : right) {
    other.emplace(std::pair(value.row, value.column), value.value);
  }
  for (const NamedValue& value : left) {
    const auto found = other.find({value.row, value.column});
    if (found == other.end()) {
      out.push_back({point, value.row, value.column, value.value, kNone, true, false});
      continue;
    }
    if (!same(value.value, found->second)) {
      out.push_back({point, value.row, value.column, value.value, found->second, true, true});
    }
    other.erase(found);
  }
  for (const NamedValue& value : right) {
    if (other.contains({value.row, value.column})) {
      out.push_back({point, value.row, value.column, kNone, value.value, false, true});
    }
  }
}

}  // namespace

Result<std::vector<PointView>> views_of(const Replay& replay) {
  std::vector<PointView> views;
  EngineMetrics all = replay.metrics();
  for (PointMetrics& metrics : all.points) {
    Result<Description> description = replay.describe(metrics.name);
    if (!description) {
      return tl::unexpected(std::move(description).error());
    }
    PointView view{.metrics = std::move(metrics), .description = std::move(*description), .row_names = {}};
    const bool rows_are_arms = view.description.rows.size() == view.metrics.arms.size();
    for (std::size_t i = 0; i < view.description.rows.size(); ++i) {
      const bool named = rows_are_arms && !view.metrics.arms[i].empty();
      view.row_names.push_back(named ? view.metrics.arms[i]
                                     : "#" + std::to_string(rows_are_arms ? i : i + 1));
    }
    views.push_back(std::move(view));
  }
  return views;
}

std::vector<NamedValue> values_of(const PointView& view) {
  const PointMetrics& metrics = view.metrics;
  const CollectorCounters& seen = metrics.rewards;
  const auto whole = [](auto count) { return static_cast<double>(count); };
  std::vector<NamedValue> values{{{}, "version", whole(metrics.version)},
                                 {{}, "decisions", whole(metrics.decisions)},
                                 {{}, "explored", whole(metrics.explored)},
                                 {{}, "fallbacks", whole(metrics.fallbacks)},
                                 {{}, "pending", whole(metrics.pending)},
                                 {{}, "learned", whole(seen.learned)},
                                 {{}, "learned_late", whole(seen.learned_late)},
                                 {{}, "silent", whole(seen.silent)},
                                 {{}, "censored", whole(seen.censored)},
                                 {{}, "late", whole(seen.late)},
                                 {{}, "duplicate", whole(seen.duplicate)},
                                 {{}, "conflict", whole(seen.conflict)},
                                 {{}, "unknown_decision", whole(seen.unknown_decision)},
                                 {{}, "refused_rewards", whole(metrics.refused_rewards)},
                                 {{}, "arm_gone", whole(metrics.arm_gone)},
                                 {{}, "reward_sum", seen.reward_sum}};
  for (const DriftMetrics& watch : metrics.drift) {
    const std::string named = "drift " + watch.name + " ";
    values.push_back({{}, named + "values", whole(watch.values)});
    values.push_back({{}, named + "warnings", whole(watch.warnings)});
    values.push_back({{}, named + "drifts", whole(watch.drifts)});
    values.push_back({{}, named + "last_position", whole(watch.last_position)});
  }
  if (metrics.screening) {
    const ScreeningMetrics& screening = *metrics.screening;
    values.push_back({{}, "unfamiliar contexts", whole(screening.unfamiliar)});
    values.push_back({{}, "capped outcomes", whole(screening.capped)});
    for (const ScreenMetrics& screen : screening.screens) {
      const std::string named = "screen " + screen.name + " ";
      values.push_back({{}, named + "values", whole(screen.values)});
      values.push_back({{}, named + "anomalies", whole(screen.anomalies)});
      values.push_back({{}, named + "rejected", whole(screen.rejected)});
    }
  }
  for (const auto& [name, value] : view.description.values) {
    values.push_back({{}, "policy " + name, value});
  }
  const bool rows_are_arms = view.row_names.size() == metrics.selections.size();
  for (std::size_t row = 0; row < view.row_names.size(); ++row) {
    if (rows_are_arms) {
      values.push_back({view.row_names[row], "pulls", whole(metrics.selections[row])});
    }
    for (std::size_t column = 0; column < view.description.columns.size(); ++column) {
      values.push_back(
          {view.row_names[row], view.description.columns[column], view.description.rows[row][column]});
    }
  }
  return values;
}

std::vector<Difference> differences(const std::vector<PointView>& left, const std::vector<PointView>& right) {
  std::vector<Difference> out;
  const auto named = [](const std::vector<PointView>& views, const std::string& name) {
    return std::ranges::find(views, name, [](const PointView& view) { return view.metrics.name; });
  };
  for (const PointView& view : left) {
    const auto other = named(right, view.metrics.name);
    compare(view.metrics.name, values_of(view),
            other == right.end() ? std::vector<NamedValue>{} : values_of(*other), out);
  }
  for (const PointView& view : right) {
    if (named(left, view.metrics.name) == left.end()) {
      compare(view.metrics.name, {}, values_of(view), out);
    }
  }
  return out;
}

}  // namespace attune::tools
