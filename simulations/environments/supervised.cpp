// SPDX-License-Identifier: Apache-2.0
#include "simulations/environments/supervised.hpp"

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "simulations/csv_table.hpp"
#include "simulations/feature_table.hpp"
#include "simulations/json_reader.hpp"
#include "simulations/row_order.hpp"

namespace attune::sim {
namespace {

struct LabelledData {
  FeatureTable features;
  std::vector<std::size_t> label;
  bool shuffle = true;
};

class SupervisedWorld final : public World {
 public:
  SupervisedWorld(const LabelledData& data, std::size_t arms, std::vector<std::uint32_t> order)
      : data_(data), arms_(arms), order_(std::move(order)) {}

  void step(std::uint64_t t, Step& out) const override {
    const std::size_t row = order_[t];
    const std::span<const double> context = data_.features.row(row);
    out.context.assign(context.begin(), context.end());
    out.category = 0;
    out.outcome.assign(arms_, 0.0);
    out.outcome[data_.label[row]] = 1.0;
    out.expected = out.outcome;
  }

 private:
  const LabelledData& data_;
  std::size_t arms_;
  std::vector<std::uint32_t> order_;
};

class Supervised final : public Environment {
 public:
  Supervised(LabelledData data, EnvironmentInfo info) : data_(std::move(data)), info_(std::move(info)) {}

  [[nodiscard]] const EnvironmentInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::unique_ptr<World> start(std::uint64_t seed, std::uint64_t /*horizon*/) const override {
    return std::make_unique<SupervisedWorld>(
        data_, info_.arms.size(),
        data_.shuffle ? rows_shuffled(info_.length, seed) : rows_in_order(info_.length));
  }

 private:
  LabelledData data_;
  EnvironmentInfo info_;
};

/// Every column but the label: numeric where all cells are numbers, else categorical.
FeatureChoice every_other_column(const CsvTable& table, std::size_t label) {
  FeatureChoice choice;
  for (std::size_t column = 0; column < table.columns().size(); ++column) {
    if (column == label) {
      continue;
    }
    (table.numbers(column) ? choice.numeric : choice.categorical).push_back(table.columns()[column]);
  }
  return choice;
}

}  // namespace

Result<std::unique_ptr<Environment>> make_supervised(const nlohmann::json& options, const FileRoots& roots) {
  JsonReader reader(options, "environment");
  (void)reader.text("type");
  const std::string file = reader.text("file");
  const std::string label_name = reader.text("label");
  const bool chosen = options.is_object() && options.contains("features");
  FeatureChoice choice = read_feature_choice(reader, "features");
  const bool shuffle = reader.choice("order", {"shuffle", "file"}, "shuffle") == "shuffle";
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  const Result<std::string> path = roots.resolve(file);
  if (!path) {
    return tl::unexpected(path.error());
  }
  const Result<CsvTable> table = CsvTable::read(*path);
  if (!table) {
    return tl::unexpected(table.error());
  }
  if (table->row_count() == 0) {
    return fail(Errc::parse, *path + ": has no rows");
  }
  const Result<std::size_t> label = table->column(label_name);
  Result<CategoryColumn> labels = label ? read_categories(*table, *label) : tl::unexpected(label.error());
  if (!labels) {
    return tl::unexpected(std::move(labels).error());
  }
  if (!chosen) {
    choice = every_other_column(*table, *label);
  }
  Result<FeatureTable> features = FeatureTable::make(*table, choice);
  if (!features) {
    return tl::unexpected(std::move(features).error());
  }

  EnvironmentInfo info;
  info.type = "supervised";
  info.arms = std::move(labels->names);
  info.components = {"reward"};
  info.features = features->names();
  info.length = table->row_count();
  info.recorded = true;
  info.note = "labels of " + file;
  return std::make_unique<Supervised>(LabelledData{std::move(*features), std::move(labels->of_row), shuffle},
                                      std::move(info));
}

}  // namespace attune::sim
