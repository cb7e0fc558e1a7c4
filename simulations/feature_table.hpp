// SPDX-License-Identifier: Apache-2.0
/// @file
/// FeatureTable: columns of a CSV file as context vectors.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <attune/core/error.hpp>

#include "simulations/csv_table.hpp"
#include "simulations/json_reader.hpp"

namespace attune::sim {

/// Which columns become features. A name that ends in '*' means every column that starts so.
struct FeatureChoice {
  bool bias = true;  ///< a feature "bias" that is always 1
  std::vector<std::string>
      numeric;  ///< scaled to mean 0 and deviation 1 over the file, then cut to [-3, 3] / 3
  std::vector<std::string>
      categorical;                     ///< one feature "column=value" a value, in order of the values' texts
  std::vector<std::string> embedding;  ///< taken as they are
  std::vector<std::string> skip;       ///< columns that a '*' does not mean
};

/// Reads {"bias": true, "numeric": [...], "categorical": [...], "embedding": [...]}.
[[nodiscard]] FeatureChoice read_feature_choice(JsonReader& reader, std::string_view key);

/// One context vector a row. Scaling looks at the features of the whole file, never at an outcome.
class FeatureTable {
 public:
  /// Errors: parse (no such column, not a number), full (more than 1,000 values in a categorical column).
  [[nodiscard]] static Result<FeatureTable> make(const CsvTable& table, const FeatureChoice& choice);

  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  [[nodiscard]] std::size_t dimension() const noexcept { return names_.size(); }
  [[nodiscard]] std::span<const double> row(std::size_t index) const {
    return std::span(values_).subspan(index * names_.size(), names_.size());
  }
  /// All rows, one after the other; the table is empty afterwards.
  [[nodiscard]] std::vector<double> take() && { return std::move(values_); }

 private:
  Result<void> add_numeric(const CsvTable& table, std::size_t column,
                           std::vector<std::vector<double>>& columns);
  Result<void> add_categorical(const CsvTable& table, std::size_t column,
                               std::vector<std::vector<double>>& columns);

  std::vector<std::string> names_;
  std::vector<double> values_;  ///< row-major
};

/// The values of a column as numbers 0, 1, 2, ... in order of their texts.
struct CategoryColumn {
  std::vector<std::string> names;
  std::vector<std::size_t> of_row;
};
/// Errors: full, above 1,000 values.
[[nodiscard]] Result<CategoryColumn> read_categories(const CsvTable& table, std::size_t column);

}  // namespace attune::sim
