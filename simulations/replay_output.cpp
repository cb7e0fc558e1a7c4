// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <nlohmann/json.hpp>

#include <attune/core/config.hpp>
#include <attune/engine/engine.hpp>

#include "simulations/replay.hpp"
#include "simulations/text_table.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

constexpr int kDecimals = 5;

std::string interval_text(const Interval& interval) {
  if (std::isnan(interval.value)) {
    return "-";
  }
  return fixed(interval.value, kDecimals) + " [" + fixed(interval.low, kDecimals) + ", " +
         fixed(interval.high, kDecimals) + "]";
}

void add_row(TextTable& table, const ReplayEstimate& e) {
  const bool enough = e.effective_sample_size >= WeightedEstimator::kEnough;
  table.add({e.name, std::to_string(e.matched), std::to_string(e.accepted), interval_text(e.replay),
             interval_text(e.ips), interval_text(e.snips),
             fixed(e.effective_sample_size, 1) + (enough ? "" : " (!)")});
}

/// JSON has no infinity and no NaN: both are null.
json number_json(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json interval_json(const Interval& interval) {
  return {{"value", number_json(interval.value)},
          {"low", number_json(interval.low)},
          {"high", number_json(interval.high)}};
}

json estimate_json(const ReplayEstimate& e) {
  return {{"name", e.name},
          {"rows", e.rows},
          {"matched", e.matched},
          {"accepted", e.accepted},
          {"replay", interval_json(e.replay)},
          {"ips", interval_json(e.ips)},
          {"snips", interval_json(e.snips)},
          {"effective_sample_size", e.effective_sample_size},
          {"enough", e.effective_sample_size >= WeightedEstimator::kEnough}};
}

/// Rows of all replays a second, reading included.
double rows_per_second(const ReplayPlan& plan, const ReplayPace& pace) {
  return static_cast<double>(plan.data.rows() * plan.policies.size() * plan.seeds.size()) / pace.total;
}

}  // namespace

std::string replay_table(const ReplayPlan& plan, const ReplayResult& result, const ReplayPace* pace) {
  std::string out = plan.name + (plan.about.empty() ? "" : ": " + plan.about) + "\n";
  out += "  log: " + plan.data.info.note + ", " + std::to_string(plan.data.rows()) + " rows, " +
         std::to_string(plan.data.info.arms.size()) + " arms, " +
         std::to_string(plan.data.info.features.size()) + " features\n";
  if (!plan.data.left_out_why.empty()) {
    out += "  left out: " + plan.data.left_out_why + "\n";
  }
  out += "  seeds: " + std::to_string(plan.seeds.size()) + "\n";
  out += "  acceptance: where choices match, with probability min(1, " + number_text(result.floor) +
         " / propensity)\n\n";
  TextTable table({"policy", "matched", "accepted", "replay [95 %]", "IPS [95 %]", "SNIPS [95 %]", "ESS"});
  add_row(table, result.logger);
  add_row(table, result.uniform);
  table.rule();
  bool doubtful = false;
  for (const std::vector<ReplayEstimate>& seeds : result.policies) {
    const ReplayEstimate mean = average(seeds);
    doubtful = doubtful || mean.effective_sample_size < WeightedEstimator::kEnough;
    add_row(table, mean);
  }
  out += table.str();
  out += "\nESS: effective sample size of the weights. Numbers are means over seeds, interval ends too.\n";
  if (doubtful || result.uniform.effective_sample_size < WeightedEstimator::kEnough) {
    out += "(!) fewer than " + fixed(WeightedEstimator::kEnough, 0) +
           ": the weighted estimates and their intervals are not to be believed.\n";
  }
  if (pace != nullptr) {
    out += "\n" + fixed(pace->read, 2) + " s reading, " + fixed(pace->total, 2) +
           " s in all: " + fixed(rows_per_second(plan, *pace), 0) + " rows/s over " +
           std::to_string(plan.policies.size() * plan.seeds.size()) + " replays\n";
  }
  return out;
}

json replay_json(const ReplayPlan& plan, const ReplayResult& result, const ReplayPace* pace) {
  json out = {{"format", 1},
              {"attune", std::string(version())},
              {"scenario", plan.name},
              {"environment", plan.data.info.type},
              {"note", plan.data.info.note},
              {"rows", plan.data.rows()},
              {"left_out", plan.data.left_out},
              {"arms", plan.data.info.arms},
              {"seeds", plan.seeds},
              {"floor", result.floor},
              {"logger", estimate_json(result.logger)},
              {"uniform", estimate_json(result.uniform)},
              {"policies", json::array()}};
  for (const std::vector<ReplayEstimate>& seeds : result.policies) {
    json row = estimate_json(average(seeds));
    for (const ReplayEstimate& e : seeds) {
      row["by_seed"].push_back(estimate_json(e));
    }
    out["policies"].push_back(row);
  }
  if (pace != nullptr) {
    out["seconds"] = {{"read", pace->read}, {"total", pace->total}};
    out["rows_per_second"] = number_json(rows_per_second(plan, *pace));
  }
  return out;
}

}  // namespace attune::sim
