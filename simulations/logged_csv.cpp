// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "simulations/csv_table.hpp"
#include "simulations/feature_table.hpp"
#include "simulations/json_reader.hpp"
#include "simulations/logged_data.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

/// Options for "open-bandit/<policy>/<campaign>".
Result<json> options_of_preset(const std::string& name) {
  for (const char* policy : {"random", "bts"}) {
    for (const char* campaign : {"all", "men", "women"}) {
      const std::string folder = std::string("open-bandit/") + policy + "/" + campaign;
      if (name == folder) {
        return json{
            {"type", "logged_bandit"},
            {"file", folder + "/" + campaign + ".csv"},
            {"arm", "item_id"},
            {"reward", "click"},
            {"propensity", "propensity_score"},
            {"features",
             {{"categorical",
               {"position", "user_feature_0", "user_feature_1", "user_feature_2", "user_feature_3"}}}}};
      }
    }
  }
  return fail(Errc::invalid_config,
              "environment.preset = \"" + name +
                  "\" must be open-bandit/random/... or open-bandit/bts/... with all, men or women");
}

struct Columns {
  std::string file;
  std::string arm;
  std::string reward;
  std::string propensity;
  FeatureChoice features;
};

Result<LoggedData> read_columns(const Columns& names, const FileRoots& roots) {
  const Result<std::string> path = roots.resolve(names.file);
  const Result<CsvTable> table = path ? CsvTable::read(*path) : tl::unexpected(path.error());
  if (!table) {
    return tl::unexpected(table.error());
  }
  const Result<std::size_t> arm = table->column(names.arm);
  Result<CategoryColumn> arms = arm ? read_categories(*table, *arm) : tl::unexpected(arm.error());
  const Result<std::size_t> reward = table->column(names.reward);
  Result<std::vector<double>> rewards = reward ? table->numbers(*reward) : tl::unexpected(reward.error());
  const Result<std::size_t> chance = table->column(names.propensity);
  Result<std::vector<double>> chances = chance ? table->numbers(*chance) : tl::unexpected(chance.error());
  Result<FeatureTable> features = FeatureTable::make(*table, names.features);
  if (!arms || !rewards || !chances || !features) {
    return tl::unexpected(!arms      ? arms.error()
                          : !rewards ? rewards.error()
                          : !chances ? chances.error()
                                     : features.error());
  }
  LoggedData out;
  for (std::size_t row = 0; row < chances->size(); ++row) {
    if (!((*chances)[row] > 0.0 && (*chances)[row] <= 1.0)) {
      return fail(Errc::parse, *path + ": row " + std::to_string(row + 1) + ": " + names.propensity + " = " +
                                   std::string(table->text(row, *chance)) + " is no probability in (0, 1]");
    }
  }
  out.info.type = "logged_bandit";
  out.info.arms = std::move(arms->names);
  out.info.components = {"reward"};
  out.info.features = features->names();
  out.info.length = table->row_count();
  out.info.recorded = true;
  out.info.note = "logged choices, " + names.file;
  out.contexts = std::move(*features).take();
  out.arm = std::move(arms->of_row);
  out.reward = std::move(*rewards);
  out.propensity = std::move(*chances);
  if (out.rows() == 0) {
    return fail(Errc::parse, *path + ": has no rows");
  }
  return out;
}

}  // namespace

Result<LoggedData> read_logged_csv(const json& options, const FileRoots& roots) {
  JsonReader reader(options, "environment");
  (void)reader.text("type", "");
  if (options.is_object() && options.contains("preset")) {
    const std::string name = reader.text("preset");
    if (Result<void> good = reader.finish(); !good) {
      return tl::unexpected(std::move(good).error());
    }
    const Result<json> full = options_of_preset(name);
    return full ? read_logged_csv(*full, roots) : tl::unexpected(full.error());
  }
  Columns names;
  names.file = reader.text("file");
  names.arm = reader.text("arm");
  names.reward = reader.text("reward");
  names.propensity = reader.text("propensity");
  names.features = read_feature_choice(reader, "features");
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return read_columns(names, roots);
}

}  // namespace attune::sim
