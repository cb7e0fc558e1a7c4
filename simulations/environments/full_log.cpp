// SPDX-License-Identifier: Apache-2.0
#include "simulations/environments/full_log.hpp"

#include <algorithm>
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

using nlohmann::json;

/// Everything of the file that worlds read; immutable and shared by them.
struct LogData {
  FeatureTable features;
  CategoryColumn categories;
  std::vector<double> outcomes;  ///< rows x arms x components
  bool shuffle = true;
};

class FullLogWorld final : public World {
 public:
  FullLogWorld(const LogData& data, std::size_t row_size, std::vector<std::uint32_t> order)
      : data_(data), row_size_(row_size), order_(std::move(order)) {}

  void step(std::uint64_t t, Step& out) const override {
    const std::size_t row = order_[t];
    const std::span<const double> context = data_.features.row(row);
    out.context.assign(context.begin(), context.end());
    out.category = data_.categories.of_row.empty() ? 0 : data_.categories.of_row[row];
    const auto begin = data_.outcomes.begin() + static_cast<std::ptrdiff_t>(row * row_size_);
    out.outcome.assign(begin, begin + static_cast<std::ptrdiff_t>(row_size_));
    out.expected = out.outcome;
  }

 private:
  const LogData& data_;
  std::size_t row_size_;
  std::vector<std::uint32_t> order_;
};

class FullLog final : public Environment {
 public:
  FullLog(LogData data, EnvironmentInfo info) : data_(std::move(data)), info_(std::move(info)) {}

  [[nodiscard]] const EnvironmentInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::unique_ptr<World> start(std::uint64_t seed, std::uint64_t /*horizon*/) const override {
    return std::make_unique<FullLogWorld>(
        data_, info_.arms.size() * info_.components.size(),
        data_.shuffle ? rows_shuffled(info_.length, seed) : rows_in_order(info_.length));
  }

 private:
  LogData data_;
  EnvironmentInfo info_;
};

/// The columns that every file with prompt features has.
const std::vector<std::string> kPromptFeatures = {
    "n_chars",    "n_words",    "n_lines",    "est_prompt_tokens", "avg_word_len",
    "frac_digit", "frac_upper", "frac_punct", "frac_nonascii",     "n_qmark",
    "n_numbers",  "has_code",   "has_math",   "has_choices"};

Result<json> preset_options(const std::string& name) {
  if (name == "llmrouter-uiuc") {
    return json{
        {"type", "full_log"},
        {"file", "llmrouter-uiuc/outcomes.csv.gz"},
        {"outcome", "score:"},
        {"features", {{"categorical", {"task"}}, {"numeric", kPromptFeatures}, {"embedding", {"lsa_*"}}}},
        {"category", "task"},
        {"cost",
         {{"tokens_in", "est_prompt_tokens"},
          {"tokens_out", "assumed_output_tokens"},
          {"prices", "llmrouter-uiuc/models.csv"}}}};
  }
  if (name == "routellm-evals") {
    // Prices per million tokens as the authors of RouteLLM name them for their cost ratio; the answers'
    // lengths are recorded for one of the two benchmarks only, so that the cost is that of the prompt.
    return json{
        {"type", "full_log"},
        {"file", "routellm-evals/outcomes.csv.gz"},
        {"outcome", "correct:"},
        {"features", {{"categorical", {"subject"}}, {"numeric", kPromptFeatures}, {"embedding", {"lsa_*"}}}},
        {"category", "subject"},
        {"cost",
         {{"tokens_in", "est_prompt_tokens"},
          {"prices", {{"mixtral-8x7b-instruct-v0.1", {0.24, 0.24}}, {"gpt-4-1106-preview", {24.7, 24.7}}}}}}};
  }
  return fail(Errc::invalid_config,
              "environment.preset = \"" + name + "\" must be one of llmrouter-uiuc, routellm-evals");
}

struct Price {
  double in = 0.0;
  double out = 0.0;
};

Result<std::vector<Price>> prices_from_file(const std::string& path, const std::vector<std::string>& arms) {
  const Result<CsvTable> table = CsvTable::read(path);
  if (!table) {
    return tl::unexpected(table.error());
  }
  std::vector<std::size_t> columns;
  for (const char* name : {"model", "usd_per_mtok_in", "usd_per_mtok_out"}) {
    Result<std::size_t> column = table->column(name);
    if (!column) {
      return tl::unexpected(std::move(column).error());
    }
    columns.push_back(*column);
  }
  std::vector<Price> prices;
  for (const std::string& arm : arms) {
    std::size_t row = 0;
    while (row < table->row_count() && table->text(row, columns[0]) != arm) {
      ++row;
    }
    if (row == table->row_count()) {
      return fail(Errc::parse, path + ": has no row for the model " + arm);
    }
    const Result<double> in = table->number(row, columns[1]);
    const Result<double> out = table->number(row, columns[2]);
    if (!in || !out) {
      return tl::unexpected(in ? out.error() : in.error());
    }
    prices.push_back({*in, *out});
  }
  return prices;
}

Result<std::vector<Price>> prices_from_json(const json& object, const std::vector<std::string>& arms) {
  JsonReader reader(object, "environment.cost.prices");
  std::vector<Price> prices;
  for (const std::string& arm : arms) {
    const std::vector<double> pair = reader.numbers(arm, Bounds{0, 1e9}, true);
    if (reader.good() && pair.size() != 2) {
      reader.fail_with(reader.path_of(arm) +
                       " must be two numbers, the prices of a million tokens in and out");
    }
    if (reader.good()) {
      prices.push_back({pair[0], pair[1]});
    }
  }
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return prices;
}

/// Adds the cost of each arm at each row to `costs` (rows x arms).
Result<void> read_costs(const json& object, const CsvTable& table, const std::vector<std::string>& arms,
                        const FileRoots& roots, std::vector<double>& costs) {
  JsonReader reader(object, "environment.cost");
  const std::string in_name = reader.text("tokens_in");
  const std::string out_name = reader.text("tokens_out", "");
  const json* prices = reader.find("prices");
  if (reader.good() && (prices == nullptr || !(prices->is_string() || prices->is_object()))) {
    reader.fail_with("environment.cost.prices must be a file name or an object of arms");
  }
  if (Result<void> good = reader.finish(); !good) {
    return good;
  }
  Result<std::vector<Price>> price = fail(Errc::io, "");
  if (prices->is_string()) {
    const Result<std::string> path = roots.resolve(prices->get<std::string>());
    if (!path) {
      return tl::unexpected(path.error());
    }
    price = prices_from_file(*path, arms);
  } else {
    price = prices_from_json(*prices, arms);
  }
  if (!price) {
    return tl::unexpected(std::move(price).error());
  }
  std::vector<std::vector<double>> tokens;
  for (const std::string& name : {in_name, out_name}) {
    if (name.empty()) {
      tokens.emplace_back(table.row_count(), 0.0);
      continue;
    }
    const Result<std::size_t> column = table.column(name);
    Result<std::vector<double>> values = column ? table.numbers(*column) : tl::unexpected(column.error());
    if (!values) {
      return tl::unexpected(std::move(values).error());
    }
    tokens.push_back(std::move(*values));
  }
  costs.reserve(table.row_count() * arms.size());
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    for (const Price& p : *price) {
      costs.push_back((tokens[0][row] * p.in + tokens[1][row] * p.out) / 1e6);
    }
  }
  return {};
}

/// Interleaves outcome and cost columns to rows x arms x components.
Result<std::vector<double>> read_outcomes(const CsvTable& table, const std::vector<std::size_t>& columns,
                                          const std::vector<double>& costs) {
  std::vector<double> out;
  out.reserve(table.row_count() * columns.size() * (costs.empty() ? 1 : 2));
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    for (std::size_t arm = 0; arm < columns.size(); ++arm) {
      Result<double> value = table.number(row, columns[arm]);
      if (!value) {
        return tl::unexpected(std::move(value).error());
      }
      out.push_back(*value);
      if (!costs.empty()) {
        out.push_back(costs[row * columns.size() + arm]);
      }
    }
  }
  return out;
}

/// The options of a log, read but not yet looked up in its file.
struct LogOptions {
  std::string file;
  std::string prefix;
  std::string component;
  std::string category;
  FeatureChoice features;
  const json* cost = nullptr;
  bool shuffle = true;
};

Result<LogOptions> read_options(const json& options) {
  JsonReader reader(options, "environment");
  LogOptions out;
  (void)reader.text("type");
  out.file = reader.text("file");
  out.prefix = reader.text("outcome");
  out.component = reader.text("component", "quality");
  out.features = read_feature_choice(reader, "features");
  out.category = reader.text("category", "");
  out.cost = reader.find_object("cost");
  out.shuffle = reader.choice("order", {"shuffle", "file"}, "shuffle") == "shuffle";
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return out;
}

/// The options that a preset stands for.
Result<json> expand_preset(const json& options) {
  JsonReader reader(options, "environment");
  (void)reader.text("type");
  const std::string name = reader.text("preset");
  const std::string order = reader.choice("order", {"shuffle", "file"}, "shuffle");
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  Result<json> full = preset_options(name);
  if (full) {
    (*full)["order"] = order;
  }
  return full;
}

Result<void> add_categories(const CsvTable& table, const std::string& name, LogData& data,
                            EnvironmentInfo& info) {
  const Result<std::size_t> column = table.column(name);
  Result<CategoryColumn> categories =
      column ? read_categories(table, *column) : tl::unexpected(column.error());
  if (!categories) {
    return tl::unexpected(std::move(categories).error());
  }
  data.categories = std::move(*categories);
  info.categories = data.categories.names;
  return {};
}

Result<std::unique_ptr<Environment>> build(const LogOptions& options, const CsvTable& table,
                                           const FileRoots& roots) {
  const std::vector<std::size_t> columns = table.columns_with_prefix(options.prefix);
  if (columns.empty() || table.row_count() == 0) {
    return fail(Errc::parse,
                table.path() + (columns.empty() ? ": no column starts with \"" + options.prefix + "\""
                                                : ": has no rows"));
  }
  EnvironmentInfo info;
  info.type = "full_log";
  info.recorded = true;
  info.length = table.row_count();
  info.components = {options.component};
  info.note = "recorded outcomes of every arm, " + options.file;
  for (const std::size_t column : columns) {
    info.arms.push_back(table.columns()[column].substr(options.prefix.size()));
  }
  Result<FeatureTable> features = FeatureTable::make(table, options.features);
  if (!features) {
    return tl::unexpected(std::move(features).error());
  }
  LogData data{std::move(*features), {}, {}, options.shuffle};
  info.features = data.features.names();
  if (!options.category.empty()) {
    if (Result<void> good = add_categories(table, options.category, data, info); !good) {
      return tl::unexpected(std::move(good).error());
    }
  }
  std::vector<double> costs;
  if (options.cost != nullptr) {
    if (Result<void> good = read_costs(*options.cost, table, info.arms, roots, costs); !good) {
      return tl::unexpected(std::move(good).error());
    }
    info.components.emplace_back("cost");
  }
  Result<std::vector<double>> outcomes = read_outcomes(table, columns, costs);
  if (!outcomes) {
    return tl::unexpected(std::move(outcomes).error());
  }
  data.outcomes = std::move(*outcomes);
  return std::make_unique<FullLog>(std::move(data), std::move(info));
}

}  // namespace

Result<std::unique_ptr<Environment>> make_full_log(const json& given, const FileRoots& roots) {
  const bool preset = given.contains("preset");
  const Result<json> full = preset ? expand_preset(given) : Result<json>(given);
  const Result<LogOptions> options = full ? read_options(*full) : tl::unexpected(full.error());
  const Result<std::string> path = options ? roots.resolve(options->file) : tl::unexpected(options.error());
  const Result<CsvTable> table = path ? CsvTable::read(*path) : tl::unexpected(path.error());
  return table ? build(*options, *table, roots) : tl::unexpected(table.error());
}

}  // namespace attune::sim
