// SPDX-License-Identifier: Apache-2.0
#include "simulations/output.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <attune/core/config.hpp>
#include <attune/engine/engine.hpp>

#include "simulations/text_table.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

Error file_error(const std::string& path) {
  return {Errc::io, path + ": cannot be written: " + std::string(std::strerror(errno))};
}

/// A name as a CSV field; quoted where it has to be.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    return text;
  }
  std::string out = "\"";
  for (const char c : text) {
    out += c == '"' ? "\"\"" : std::string(1, c);
  }
  return out + "\"";
}

std::string delivery_text(const Delivery& delivery) {
  std::string out = delivery.delay == Delivery::Delay::none ? "at once"
                    : delivery.delay == Delivery::Delay::fixed
                        ? "after " + number_text(delivery.seconds) + " s"
                        : "after " + number_text(delivery.seconds) + " s on average (exponential)";
  if (delivery.missing > 0.0) {
    out += ", " + number_text(100.0 * delivery.missing) + " % never";
  }
  if (delivery.duplicate > 0.0) {
    out += ", " + number_text(100.0 * delivery.duplicate) + " % twice";
  }
  return out + (delivery.apart ? ", each component by itself" : "");
}

json estimate_json(const Estimate& e) { return {{"mean", e.mean}, {"standard_error", e.error}}; }

json counters_json(const ResultRow& row) {
  CollectorCounters sum;
  std::uint64_t fallbacks = 0;
  for (const Course& course : row.courses) {
    fallbacks += course.fallbacks;
    sum.decisions += course.counters.decisions;
    sum.outcomes += course.counters.outcomes;
    sum.learned += course.counters.learned;
    sum.learned_late += course.counters.learned_late;
    sum.duplicate += course.counters.duplicate;
    sum.late += course.counters.late;
    sum.silent += course.counters.silent;
    sum.censored += course.counters.censored;
    sum.breaches += course.counters.breaches;
  }
  return {{"decisions", sum.decisions}, {"outcomes", sum.outcomes},         {"learned", sum.learned},
          {"late", sum.late},           {"learned_late", sum.learned_late}, {"duplicate", sum.duplicate},
          {"silent", sum.silent},       {"censored", sum.censored},         {"breaches", sum.breaches},
          {"fallbacks", fallbacks}};
}

/// The parts of a run whose rewards are shown by themselves; none without "phases".
struct Phase {
  std::size_t number = 0;
  std::uint64_t from = 0;
  std::uint64_t until = 0;
};

std::vector<Phase> phases_of(const Scenario& scenario) {
  std::vector<Phase> out;
  for (std::size_t i = 0; !scenario.phases.empty() && i <= scenario.phases.size(); ++i) {
    out.push_back({i, i == 0 ? 0 : scenario.phases[i - 1],
                   i < scenario.phases.size() ? scenario.phases[i] : scenario.horizon});
  }
  return out;
}

Estimate reward_in(const ResultRow& row, const Phase& phase) {
  const auto steps = static_cast<double>(phase.until - phase.from);
  return estimate_of(row, [&](const Course& c) { return c.phase_rewards[phase.number] / steps; });
}

json row_json(const Scenario& scenario, const ResultRow& row) {
  const EnvironmentInfo& info = scenario.environment->info();
  const auto steps = static_cast<double>(scenario.horizon);
  json out = {{"name", row.name}, {"kind", row.baseline ? "baseline" : "policy"}};
  out["reward_per_step"] = estimate_json(estimate_of(row, [&](const Course& c) { return c.reward / steps; }));
  for (std::size_t i = 0; i < info.components.size(); ++i) {
    out["components_per_step"][info.components[i]] =
        estimate_json(estimate_of(row, [&](const Course& c) { return c.components[i] / steps; }));
  }
  out["regret"] = estimate_json(estimate_of(row, [](const Course& c) { return c.regret; }));
  out["regret_vs_oracle"] = estimate_json(estimate_of(row, [](const Course& c) { return c.regret_oracle; }));
  out["regret_vs_best_single"] =
      estimate_json(estimate_of(row, [](const Course& c) { return c.regret_single; }));
  for (std::size_t arm = 0; arm < info.arms.size(); ++arm) {
    out["arm_share"][info.arms[arm]] =
        estimate_of(row, [&](const Course& c) { return c.selections[arm] / steps; }).mean;
  }
  for (const Phase& phase : phases_of(scenario)) {
    out["phases"].push_back({{"from", phase.from},
                             {"until", phase.until},
                             {"reward_per_step", estimate_json(reward_in(row, phase))}});
  }
  if (!scenario.service_level.empty()) {
    out["sla_kept"] = estimate_json(estimate_of(row, [&](const Course& c) { return c.kept / steps; }));
  }
  if (!row.baseline) {
    out["engine"] = counters_json(row);
  }
  out["regret_curve"] = json::array();
  for (std::size_t mark = 0; mark < row.courses.front().regret_curve.size(); ++mark) {
    out["regret_curve"].push_back(
        estimate_of(row, [&](const Course& c) { return c.regret_curve[mark]; }).mean);
  }
  for (std::size_t seed = 0; seed < row.courses.size(); ++seed) {
    out["by_seed"].push_back({{"seed", scenario.seeds[seed]},
                              {"reward", row.courses[seed].reward},
                              {"regret", row.courses[seed].regret}});
  }
  return out;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> run_facts(const Scenario& scenario) {
  const EnvironmentInfo& info = scenario.environment->info();
  std::vector<std::pair<std::string, std::string>> facts;
  std::string world = info.type + ", " + std::to_string(info.arms.size()) + " arms";
  if (!info.features.empty()) {
    world += ", " + std::to_string(info.features.size()) + " features";
  }
  if (!info.categories.empty()) {
    world += ", " + std::to_string(info.categories.size()) + " categories";
  }
  facts.emplace_back("environment", world);
  if (!info.note.empty()) {
    facts.emplace_back("source", info.note);
  }
  facts.emplace_back("steps", std::to_string(scenario.horizon) + ", one every " +
                                  number_text(scenario.seconds_per_step) + " s of simulated time");
  facts.emplace_back("seeds", std::to_string(scenario.seeds.size()));
  facts.emplace_back("outcomes", delivery_text(scenario.delivery));
  for (const Fault& fault : scenario.faults) {
    if (fault.from >= scenario.horizon) {
      continue;  // a run cut short may end before it
    }
    facts.emplace_back(
        "fault", fault.name + ", steps " + std::to_string(fault.from) + " to " + std::to_string(fault.until));
  }
  if (scenario.learn_every > 1) {
    facts.emplace_back("learning", "every " + std::to_string(scenario.learn_every) + " steps");
  }
  facts.emplace_back("regret", "against " + std::string(to_string(scenario.reference)) + ", on " +
                                   std::string(scenario.regret_basis()) + " rewards");
  return facts;
}

namespace {

/// Decimals that suit the largest number of a column.
struct Decimals {
  int regret = 2;
  std::vector<int> parts;
};

Decimals choose_decimals(const Scenario& scenario, const ScenarioResult& result) {
  const std::size_t components = scenario.environment->info().components.size();
  const auto steps = static_cast<double>(scenario.horizon);
  double regret = 1.0;
  std::vector<double> parts(components, 0.0);
  for (const ResultRow& row : result.rows) {
    regret =
        std::max(regret, std::fabs(estimate_of(row, [](const Course& c) { return c.regret_oracle; }).mean));
    for (std::size_t i = 0; i < components; ++i) {
      const Estimate part = estimate_of(row, [&](const Course& c) { return c.components[i] / steps; });
      parts[i] = std::max(parts[i], std::fabs(part.mean));
    }
  }
  Decimals out{std::min(2, decimals_for(regret)), {}};
  for (const double part : parts) {
    out.parts.push_back(decimals_for(part));
  }
  return out;
}

std::vector<std::string> table_line(const Scenario& scenario, const ResultRow& row,
                                    const Decimals& decimals) {
  const auto steps = static_cast<double>(scenario.horizon);
  const bool many = scenario.seeds.size() > 1;
  std::vector<std::string> line{row.name};
  const auto add = [&](const std::function<double(const Course&)>& quantity, int places, bool with_errors) {
    const Estimate e = estimate_of(row, quantity);
    line.push_back(fixed(e.mean, places));
    if (with_errors) {
      line.push_back(fixed(e.error, places));
    }
  };
  for (std::size_t i = 0; decimals.parts.size() > 1 && i < decimals.parts.size(); ++i) {
    add([&](const Course& c) { return c.components[i] / steps; }, decimals.parts[i], false);
  }
  if (!scenario.service_level.empty()) {
    add([&](const Course& c) { return 100.0 * c.kept / steps; }, 2, false);
  }
  for (const Phase& phase : phases_of(scenario)) {
    const Estimate part = reward_in(row, phase);
    line.push_back(fixed(part.mean, 4));
    if (many) {
      line.push_back(fixed(part.error, 4));
    }
  }
  add([&](const Course& c) { return c.reward / steps; }, 4, many);
  add([](const Course& c) { return c.regret; }, decimals.regret, many);
  add([](const Course& c) { return c.regret_single; }, decimals.regret, false);
  add([](const Course& c) { return c.regret_oracle; }, decimals.regret, false);
  return line;
}

}  // namespace

std::string result_table(const Scenario& scenario, const ScenarioResult& result) {
  const EnvironmentInfo& info = scenario.environment->info();
  const bool many = scenario.seeds.size() > 1;
  const bool parts = info.components.size() > 1;
  std::string out = scenario.name + (scenario.about.empty() ? "" : ": " + scenario.about) + "\n";
  for (const auto& [key, value] : run_facts(scenario)) {
    out += "  " + key + ": " + value + "\n";
  }
  std::vector<std::string> header{"policy"};
  if (parts) {
    header.insert(header.end(), info.components.begin(), info.components.end());
  }
  if (!scenario.service_level.empty()) {
    header.emplace_back("SLA kept %");
  }
  for (const Phase& phase : phases_of(scenario)) {
    header.push_back("from " + std::to_string(phase.from));
    if (many) {
      header.emplace_back("+-");
    }
  }
  for (const char* name : {"reward", "regret"}) {
    header.emplace_back(name);
    if (many) {
      header.emplace_back("+-");
    }
  }
  header.insert(header.end(), {"vs single", "vs oracle"});
  TextTable table(std::move(header));
  const Decimals decimals = choose_decimals(scenario, result);
  bool policies = false;
  for (const ResultRow& row : result.rows) {
    if (!row.baseline && !policies) {
      table.rule();
      policies = true;
    }
    table.add(table_line(scenario, row, decimals));
  }
  out += "\n" + table.str();
  out +=
      "\nreward" + std::string(parts ? " and components are means per step" : " is the mean per step") +
      (many ? ", +- one standard error over seeds" : "") +
      (scenario.phases.empty() ? "" : "; from N is the same of the steps from N until the next such column") +
      "; regret is the sum over all steps.\nRows above the line are baselines: all but random" +
      (scenario.valuation.has_cost() ? " and cheapest" : "") + " know what no policy can.\n";
  return out;
}

json result_json(const Scenario& scenario, const ScenarioResult& result) {
  const EnvironmentInfo& info = scenario.environment->info();
  json out = {{"format", 1},
              {"attune", std::string(version())},
              {"scenario", scenario.name},
              {"environment", info.type},
              {"note", info.note},
              {"arms", info.arms},
              {"horizon", scenario.horizon},
              {"seeds", scenario.seeds},
              {"regret_against", std::string(to_string(scenario.reference))},
              {"regret_on", std::string(scenario.regret_basis())},
              {"marks", curve_marks(scenario.horizon)}};
  for (const ResultRow& row : result.rows) {
    out["results"].push_back(row_json(scenario, row));
  }
  return out;
}

Result<void> write_text_file(const std::string& path, const std::string& text) {
  File file(std::fopen(path.c_str(), "wb"));
  if (file == nullptr || std::fwrite(text.data(), 1, text.size(), file.get()) != text.size() ||
      std::fflush(file.get()) != 0) {
    return tl::unexpected<Error>(file_error(path));
  }
  return {};
}

Result<void> write_steps_csv(const std::string& path, const Scenario& scenario,
                             const ScenarioResult& result) {
  const EnvironmentInfo& info = scenario.environment->info();
  File file(std::fopen(path.c_str(), "wb"));
  if (file == nullptr) {
    return tl::unexpected<Error>(file_error(path));
  }
  std::string text = "policy,seed,step,category,arm,reward,regret\n";
  for (const ResultRow& row : result.rows) {
    for (std::size_t seed = 0; seed < row.courses.size() && !row.baseline; ++seed) {
      const std::string start = csv_field(row.name) + "," + std::to_string(scenario.seeds[seed]) + ",";
      for (std::size_t t = 0; t < row.courses[seed].steps.size(); ++t) {
        const StepRow& step = row.courses[seed].steps[t];
        text += start + std::to_string(t) + ",";
        text += (info.categories.empty() ? "" : csv_field(info.categories[step.category])) + ",";
        text += csv_field(info.arms[step.arm]) + "," + number_text(step.reward) + "," +
                number_text(step.regret) + "\n";
        if (text.size() > (std::size_t{1} << 20U)) {
          if (std::fwrite(text.data(), 1, text.size(), file.get()) != text.size()) {
            return tl::unexpected<Error>(file_error(path));
          }
          text.clear();
        }
      }
    }
  }
  if (std::fwrite(text.data(), 1, text.size(), file.get()) != text.size() || std::fflush(file.get()) != 0) {
    return tl::unexpected<Error>(file_error(path));
  }
  return {};
}

}  // namespace attune::sim
