// SPDX-License-Identifier: Apache-2.0
#include "simulations/regret_command.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <numbers>
#include <string_view>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "simulations/json_reader.hpp"
#include "simulations/output.hpp"
#include "simulations/progress.hpp"
#include "simulations/regret.hpp"
#include "simulations/svg_chart.hpp"
#include "simulations/text_table.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> kShownPolicies{"kl_moss", "thompson_beta", "imed", "kl_ucb_pp",
                                                         "ucb_tuned"};
constexpr std::uint64_t kOwnRuns = 100;

struct Entry {
  std::string name;
  json spec;
};
struct Row {
  RegretInstance instance;
  std::uint64_t runs = 0;
  std::vector<Regret> regrets;  // of each entry
};

/// `text` is the name of a policy or its JSON.
Result<Entry> read_entry(const std::string& text) {
  if (!text.starts_with('{')) {
    return Entry{.name = text, .spec = {{"type", text}}};
  }
  Result<json> spec = parse_json(text, "--policy");
  if (!spec) {
    return tl::unexpected(std::move(spec).error());
  }
  json rest = *spec;
  rest.erase("type");
  const std::string type = spec->value("type", std::string("?"));
  return Entry{.name = rest.empty() ? type : type + " " + rest.dump(), .spec = std::move(*spec)};
}

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

json as_json(const std::vector<Row>& rows, const std::vector<Entry>& entries) {
  json out = json::array();
  for (const Row& row : rows) {
    const double constant = lai_robbins_constant(row.instance.means);
    json one = {{"instance", row.instance.name},   {"means", row.instance.means},
                {"horizon", row.instance.horizon}, {"runs", row.runs},
                {"lai_robbins", constant},         {"policies", json::array()}};
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Regret& regret = row.regrets[i];
      one["policies"].push_back(
          {{"policy", entries[i].spec},
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

using Cells = std::vector<std::vector<std::string>>;

/// Header and rows: what was measured, then what is known.
Cells cells_of(const std::vector<Row>& rows, const std::vector<Entry>& entries) {
  Cells cells{{"instance", "T", "runs"}};
  for (const Entry& entry : entries) {
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

std::string as_markdown(const Cells& cells) {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    for (const std::string& cell : cells[i]) {
      text += "| " + cell + " ";
    }
    text += "|\n";
    for (std::size_t column = 0; i == 0 && column < cells[i].size(); ++column) {
      text += "| --- ";
    }
    text += i == 0 ? "|\n" : "";
  }
  return text;
}

std::string as_text(const Cells& cells) {
  TextTable table(cells.front());
  for (std::size_t i = 1; i < cells.size(); ++i) {
    table.add(cells[i]);
  }
  return table.str();
}

Result<void> write_plots(const std::string& folder, const std::vector<Row>& rows,
                         const std::vector<Entry>& entries) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    LineChart chart{
        .x_label = "pulls (" + rows[i].instance.name + ")", .y_label = "regret", .x = {}, .lines = {}};
    chart.x = rows[i].regrets.front().steps;
    for (std::size_t k = 0; k < entries.size(); ++k) {
      const Regret& regret = rows[i].regrets[k];
      ChartLine line{
          .name = entries[k].name, .colour = palette_colour(k), .y = regret.curve, .low = {}, .high = {}};
      for (std::size_t at = 0; at < regret.curve.size(); ++at) {
        line.low.push_back(regret.curve[at] - 2.0 * regret.errors[at]);
        line.high.push_back(regret.curve[at] + 2.0 * regret.errors[at]);
      }
      chart.lines.push_back(std::move(line));
    }
    const std::string path = folder + "/regret-" + std::to_string(i + 1) + ".svg";
    if (Result<void> written = write_text_file(path, standalone_svg(chart)); !written) {
      return written;
    }
  }
  return {};
}

}  // namespace

Exit regret_command(const RegretArguments& arguments) {
  std::vector<Entry> entries;
  std::vector<std::string> texts = arguments.policies;
  if (texts.empty()) {
    texts.assign(kShownPolicies.begin(), kShownPolicies.end());
  }
  for (const std::string& text : texts) {
    Result<Entry> entry = read_entry(text);
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
      for (const Entry& entry : entries) {
        Result<Regret> regret = measure_regret(entry.spec, row.instance,
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
    if (const Result<void> written = write_plots(arguments.plots, rows, entries); !written) {
      complain(written.error().message);
      return Exit::failed;
    }
  }
  if (arguments.output.json) {
    print(as_json(rows, entries).dump(2) + "\n");
  } else {
    const Cells cells = cells_of(rows, entries);
    print(arguments.markdown ? as_markdown(cells) : as_text(cells));
  }
  return Exit::ok;
}

}  // namespace attune::sim
