// SPDX-License-Identifier: Apache-2.0
#include "simulations/feature_table.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace attune::sim {
namespace {

constexpr std::size_t kMaxCategories = 1000;

/// Columns meant by a list of names, each at most once.
Result<std::vector<std::size_t>> expand(const CsvTable& table, const std::vector<std::string>& names,
                                        const std::vector<std::string>& skip) {
  std::vector<std::size_t> columns;
  for (const std::string& name : names) {
    if (!name.ends_with('*')) {
      Result<std::size_t> column = table.column(name);
      if (!column) {
        return tl::unexpected(std::move(column).error());
      }
      columns.push_back(*column);
      continue;
    }
    std::size_t found = 0;
    for (const std::size_t column :
         table.columns_with_prefix(std::string_view(name).substr(0, name.size() - 1))) {
      if (std::find(skip.begin(), skip.end(), table.columns()[column]) == skip.end()) {
        columns.push_back(column);
        ++found;
      }
    }
    if (found == 0) {
      return fail(Errc::parse,
                  table.path() + ": no column starts with \"" + name.substr(0, name.size() - 1) + "\"");
    }
  }
  return columns;
}

}  // namespace

FeatureChoice read_feature_choice(JsonReader& reader, std::string_view key) {
  FeatureChoice choice;
  const nlohmann::json* object = reader.find_object(key);
  if (object == nullptr) {
    return choice;
  }
  JsonReader fields(*object, reader.path_of(key));
  choice.bias = fields.boolean("bias", true);
  choice.numeric = fields.texts("numeric", false);
  choice.categorical = fields.texts("categorical", false);
  choice.embedding = fields.texts("embedding", false);
  choice.skip = fields.texts("skip", false);
  if (Result<void> good = fields.finish(); !good) {
    reader.fail_with(std::move(good).error());
  }
  return choice;
}

Result<CategoryColumn> read_categories(const CsvTable& table, std::size_t column) {
  std::unordered_map<std::string_view, std::size_t> seen;
  CategoryColumn out;
  out.of_row.reserve(table.row_count());
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    const auto [at, is_new] = seen.try_emplace(table.text(row, column), seen.size());
    if (is_new && seen.size() > kMaxCategories) {
      return fail(Errc::full, table.path() + ": " + table.columns()[column] + " has more than " +
                                  std::to_string(kMaxCategories) + " values; it is no category");
    }
    out.of_row.push_back(at->second);
  }
  // Numbers so far are those of the order of coming; wanted are those of the texts' order.
  std::vector<std::pair<std::string_view, std::size_t>> texts(seen.begin(), seen.end());
  std::ranges::sort(texts);
  std::vector<std::size_t> number(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    number[texts[i].second] = i;
    out.names.emplace_back(texts[i].first);
  }
  for (std::size_t& of_row : out.of_row) {
    of_row = number[of_row];
  }
  return out;
}

Result<void> FeatureTable::add_numeric(const CsvTable& table, std::size_t column,
                                       std::vector<std::vector<double>>& columns) {
  Result<std::vector<double>> read = table.numbers(column);
  if (!read) {
    return tl::unexpected(std::move(read).error());
  }
  std::vector<double>& values = *read;
  double mean = 0.0;
  double squares = 0.0;
  double count = 0.0;
  for (const double x : values) {
    count += 1.0;
    const double before = x - mean;
    mean += before / count;
    squares += before * (x - mean);
  }
  const double deviation = count > 0.0 ? std::sqrt(squares / count) : 0.0;
  for (double& x : values) {
    x = deviation > 0.0 ? std::clamp((x - mean) / deviation, -3.0, 3.0) / 3.0 : 0.0;
  }
  names_.push_back(table.columns()[column]);
  columns.push_back(std::move(values));
  return {};
}

Result<void> FeatureTable::add_categorical(const CsvTable& table, std::size_t column,
                                           std::vector<std::vector<double>>& columns) {
  Result<CategoryColumn> categories = read_categories(table, column);
  if (!categories) {
    return tl::unexpected(std::move(categories).error());
  }
  const std::size_t first = columns.size();
  for (const std::string& name : categories->names) {
    names_.push_back(table.columns()[column] + "=" + name);
    columns.emplace_back(table.row_count(), 0.0);
  }
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    columns[first + categories->of_row[row]][row] = 1.0;
  }
  return {};
}

Result<FeatureTable> FeatureTable::make(const CsvTable& table, const FeatureChoice& choice) {
  FeatureTable out;
  std::vector<std::vector<double>> columns;
  if (choice.bias) {
    out.names_.emplace_back("bias");
    columns.emplace_back(table.row_count(), 1.0);
  }
  Result<std::vector<std::size_t>> categorical = expand(table, choice.categorical, choice.skip);
  Result<std::vector<std::size_t>> numeric = expand(table, choice.numeric, choice.skip);
  Result<std::vector<std::size_t>> embedding = expand(table, choice.embedding, choice.skip);
  for (const Result<std::vector<std::size_t>>* list : {&categorical, &numeric, &embedding}) {
    if (!*list) {
      return tl::unexpected(list->error());
    }
  }
  for (const std::size_t column : *categorical) {
    if (Result<void> good = out.add_categorical(table, column, columns); !good) {
      return tl::unexpected(std::move(good).error());
    }
  }
  for (const std::size_t column : *numeric) {
    if (Result<void> good = out.add_numeric(table, column, columns); !good) {
      return tl::unexpected(std::move(good).error());
    }
  }
  for (const std::size_t column : *embedding) {
    out.names_.push_back(table.columns()[column]);
  }
  const std::size_t width = out.names_.size();
  out.values_.resize(table.row_count() * width);
  if (out.values_.empty()) {
    return out;
  }
  // The columns that are taken as they are go straight to their place behind the others.
  if (Result<void> good = table.numbers(*embedding, out.values_.data() + columns.size(), width); !good) {
    return tl::unexpected(std::move(good).error());
  }
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    for (std::size_t column = 0; column < columns.size(); ++column) {
      out.values_[row * width + column] = columns[column][row];
    }
  }
  return out;
}

}  // namespace attune::sim
