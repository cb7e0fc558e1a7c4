// SPDX-License-Identifier: Apache-2.0
#include "simulations/sets_command.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "simulations/progress.hpp"
#include "simulations/regret.hpp"
#include "simulations/regret_table.hpp"
#include "simulations/text_table.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

/// What was measured in one world.
struct WorldResult {
  SetWorld world;
  std::vector<RegretEntry> entries;
  std::vector<Regret> regrets;
};

Result<std::vector<SetWorld>> chosen_worlds(const std::vector<SetWorld>& all,
                                            const SetsArguments& arguments) {
  if (arguments.worlds.empty()) {
    return all;
  }
  std::vector<SetWorld> chosen;
  for (const std::string& name : arguments.worlds) {
    const auto found = std::ranges::find(all, name, &SetWorld::name);
    if (found == all.end()) {
      std::string known;
      for (const SetWorld& world : all) {
        known += (known.empty() ? "" : ", ") + world.name;
      }
      return fail(Errc::invalid_config, "--world = " + name + " is none of: " + known);
    }
    chosen.push_back(*found);
  }
  return chosen;
}

Result<WorldResult> measure_world(SetWorld world, const SetsArguments& arguments) {
  WorldResult result{.world = std::move(world), .entries = {}, .regrets = {}};
  const RegretOptions options{
      .runs = result.world.runs, .seed = arguments.seed, .jobs = arguments.output.jobs};
  const std::vector<std::string>& texts =
      arguments.policies.empty() ? result.world.policies : arguments.policies;
  ProgressLine progress(result.world.name, arguments.output.quiet ? 0 : texts.size());
  for (const std::string& text : texts) {
    Result<RegretEntry> entry = read_policy_entry(text);
    if (!entry) {
      return tl::unexpected(std::move(entry).error());
    }
    const Result<Play> play = result.world.start(json::parse(entry->spec), arguments.seed);
    if (!play) {
      return tl::unexpected(play.error());
    }
    std::optional<Regret> regret = average_runs(result.world.horizon, options, *play);
    if (!regret) {
      return fail(Errc::invalid_config,
                  entry->name + " does not learn from what the world " + result.world.name + " tells");
    }
    result.entries.push_back(std::move(*entry));
    result.regrets.push_back(std::move(*regret));
    progress.advance();
  }
  return result;
}

json world_json(const WorldResult& result) {
  json out = {{"world", result.world.name},
              {"steps", result.world.horizon},
              {"runs", result.world.runs},
              {"policies", json::array()}};
  for (std::size_t i = 0; i < result.entries.size(); ++i) {
    const Regret& regret = result.regrets[i];
    out["policies"].push_back({{"policy", json::parse(result.entries[i].spec)},
                               {"regret", regret.mean},
                               {"standard_error", regret.error},
                               {"early", regret.early},
                               {"steps", regret.steps},
                               {"curve", regret.curve},
                               {"curve_error", regret.errors}});
  }
  return out;
}

TableCells world_cells(const WorldResult& result) {
  const std::uint64_t horizon = result.world.horizon;
  TableCells cells{{"policy", "regret at T = " + std::to_string(horizon),
                    "at " + std::to_string(std::max<std::uint64_t>(horizon / 10, 1)),
                    "a step, in the last 90 %"}};
  for (std::size_t i = 0; i < result.entries.size(); ++i) {
    const Regret& regret = result.regrets[i];
    const double late = (regret.mean - regret.early) / (0.9 * static_cast<double>(horizon));
    cells.push_back({result.entries[i].name, with_error(regret.mean, regret.error, decimals_for(regret.mean)),
                     fixed(regret.early, decimals_for(regret.early)), fixed(late, decimals_for(late))});
  }
  return cells;
}

}  // namespace

Exit sets_command(const Result<std::vector<SetWorld>>& worlds, const SetsArguments& arguments) {
  const Result<std::vector<SetWorld>> chosen =
      worlds ? chosen_worlds(*worlds, arguments) : tl::unexpected(worlds.error());
  if (!chosen) {
    return refuse(chosen.error());
  }
  json out = json::array();
  std::string text;
  for (SetWorld world : *chosen) {
    world.horizon = arguments.steps > 0 ? arguments.steps : world.horizon;
    world.runs = arguments.runs > 0 ? arguments.runs : world.runs;
    const Result<WorldResult> result = measure_world(std::move(world), arguments);
    if (!result) {
      return refuse(result.error());
    }
    if (!arguments.plots.empty()) {
      const Result<void> written = write_regret_plot(arguments.plots, result->world.name, result->world.name,
                                                     result->entries, result->regrets);
      if (!written) {
        complain(written.error().message);
        return Exit::failed;
      }
    }
    out.push_back(world_json(*result));
    text += (text.empty() ? "" : "\n") + result->world.name + ": " + result->world.about + "; " +
            std::to_string(result->world.runs) + " runs\n" + (arguments.markdown ? "\n" : "") +
            table_text(world_cells(*result), arguments.markdown);
  }
  print(arguments.output.json ? json{{"worlds", std::move(out)}}.dump(2) + "\n" : text);
  return Exit::ok;
}

}  // namespace attune::sim
