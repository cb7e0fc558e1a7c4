// SPDX-License-Identifier: Apache-2.0
#include "simulations/regret_command.hpp"

#include <algorithm>
#include <array>
#include <numbers>
#include <string_view>
#include <utility>

#include <attune/core/config.hpp>
#include <nlohmann/json.hpp>

#include "simulations/progress.hpp"
#include "simulations/regret.hpp"
#include "simulations/regret_table.hpp"
#include "simulations/text_table.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> kShownPolicies{"kl_moss", "thompson_beta", "imed", "kl_ucb_pp",
                                                         "ucb_tuned"};
constexpr std::uint64_t kOwnRuns = 100;

struct Row {
  RegretInstance instance;
  std::uint64_t runs = 0;
  std::vector<Regret> regrets;  // of each entry
};

Result<std::vector<RegretInstance>> chosen_instances(const RegretArguments& arguments) {
  std::vector<RegretInstance> chosen;
  if (!arguments.means.empty()) {
    const bool sound = std::ranges::all_of(arguments.means, [](double p) { return p >= 0.0 && p <= 1.0; });
    if (!sound || arguments.steps == 0) {
      return fail(Errc::invalid_config,
                  sound ? "--means needs --steps" : "--means: a mean is outside [0, 1]");
    }
    std::string name;
    for (const double mean : arguments.means) {
      name += (name.empty() ? "" : ", ") + number_text(mean);
    }
    chosen.push_back(
        {.name = name, .means = arguments.means, .horizon = 0, .runs = kOwnRuns, .reference = {}});
  } else if (arguments.instances.empty()) {
    chosen = standard_instances();
  } else {
    for (const std::uint64_t number : arguments.instances) {
      if (number == 0 || number > standard_instances().size()) {
        return fail(Errc::invalid_config, "--instance = " + std::to_string(number) + " is outside [1, " +
                                              std::to_string(standard_instances().size()) + "]");
      }
      chosen.push_back(standard_instances()[number - 1]);
    }
  }
  for (RegretInstance& instance : chosen) {
    if (arguments.steps > 0) {
      instance.horizon = arguments.steps;
      instance.reference.clear();
    }
  }
  return chosen;
}

/// (R(T) - R(T / 10)) / (C ln 10), which a consistent policy brings to 1 as T grows.
double slope_of(const Regret& regret, const RegretInstance& instance) {
  return (regret.mean - regret.early) / (lai_robbins_constant(instance.means) * std::numbers::ln10);
}

json as_json(const std::vector<Row>& rows, const std::vector<RegretEntry>& entries) {
  json out = json::array();
  for (const Row& row : rows) {
    const double constant = lai_robbins_constant(row.instance.means);
    json one = {{"instance", row.instance.name},   {"means", row.instance.means},
                {"horizon", row.instance.horizon}, {"runs", row.runs},
                {"lai_robbins", constant},         {"policies", json::array()}};
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Regret& regret = row.regrets[i];
      one["policies"].push_back(
          {{"policy", json::parse(entries[i].spec)},
           {"regret", regret.mean},
           {"standard_error", regret.error},
           {"slope", constant > 0.0 ? json(slope_of(regret, row.instance)) : json(nullptr)},
           {"steps", regret.steps},
           {"curve", regret.curve},
           {"curve_error", regret.errors}});
    }
    for (std::size_t i = 0; i < row.instance.reference.size(); ++i) {
      one["known"][std::string(kReferencePolicies.at(i))] = row.instance.reference[i];
    }
    out.push_back(std::move(one));
  }
  return {{"instances", std::move(out)}};
}

/// Header and rows: what was measured, then what is known.
TableCells cells_of(const std::vector<Row>& rows, const std::vector<RegretEntry>& entries) {
  TableCells cells{{"instance", "T", "runs"}};
  for (const RegretEntry& entry : entries) {
    cells.front().push_back(entry.name);
  }
  const bool known =
      std::ranges::any_of(rows, [](const Row& row) { return !row.instance.reference.empty(); });
  for (const std::string_view name : kReferencePolicies) {
    if (known) {
      cells.front().push_back("known: " + std::string(name));
    }
  }
  for (const Row& row : rows) {
    std::vector<std::string> line{row.instance.name, std::to_string(row.instance.horizon),
                                  std::to_string(row.runs)};
    for (const Regret& regret : row.regrets) {
      line.push_back(with_error(regret.mean, regret.error, decimals_for(regret.mean)));
    }
    for (std::size_t i = 0; known && i < kReferencePolicies.size(); ++i) {
      line.push_back(i < row.instance.reference.size() ? number_text(row.instance.reference[i]) : "-");
    }
    cells.push_back(std::move(line));
  }
  return cells;
}

}  // namespace

Exit regret_command(const RegretArguments& arguments) {
  std::vector<RegretEntry> entries;
  std::vector<std::string> texts = arguments.policies;
  if (texts.empty()) {
    texts.assign(kShownPolicies.begin(), kShownPolicies.end());
  }
  for (const std::string& text : texts) {
    Result<RegretEntry> entry = read_policy_entry(text);
    if (!entry) {
      return refuse(entry.error());
    }
    entries.push_back(std::move(*entry));
  }
  Result<std::vector<RegretInstance>> instances = chosen_instances(arguments);
  if (!instances) {
    return refuse(instances.error());
  }
  std::vector<Row> rows;
  {
    ProgressLine progress("measurements", arguments.output.quiet ? 0 : instances->size() * entries.size());
    for (RegretInstance& instance : *instances) {
      Row row{.instance = std::move(instance), .runs = arguments.runs, .regrets = {}};
      row.runs = row.runs == 0 ? row.instance.runs : row.runs;
      for (const RegretEntry& entry : entries) {
        Result<Regret> regret = measure_regret(json::parse(entry.spec), row.instance,
                                               {.runs = row.runs,
                                                .seed = arguments.seed,
                                                .jobs = arguments.output.jobs,
                                                .known_horizon = arguments.known_horizon});
        if (!regret) {
          return refuse(regret.error());
        }
        row.regrets.push_back(std::move(*regret));
        progress.advance();
      }
      rows.push_back(std::move(row));
    }
  }
  if (!arguments.plots.empty()) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Result<void> written = write_regret_plot(arguments.plots, "regret-" + std::to_string(i + 1),
                                                     rows[i].instance.name, entries, rows[i].regrets);
      if (!written) {
        complain(written.error().message);
        return Exit::failed;
      }
    }
  }
  if (arguments.output.json) {
    print(as_json(rows, entries).dump(2) + "\n");
  } else {
    const TableCells cells = cells_of(rows, entries);
    print(table_text(cells, arguments.markdown));
  }
  return Exit::ok;
}

}  // namespace attune::sim
