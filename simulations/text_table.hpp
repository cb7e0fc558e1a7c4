// SPDX-License-Identifier: Apache-2.0
/// @file
/// TextTable: aligned columns of plain ASCII.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace attune::sim {

/// Collects rows of texts and prints them under each other: the first column to the left, the others to the
/// right.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : header_(std::move(header)) {}

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// A line of dashes before the next row.
  void rule() { rules_.push_back(rows_.size()); }

  /// Every line ends in a newline and has no blanks before it.
  [[nodiscard]] std::string str() const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> rules_;
};

/// `value` with a fixed number of decimals; "-" for NaN.
[[nodiscard]] std::string fixed(double value, int decimals);
/// "12.34 +- 0.56"
[[nodiscard]] std::string with_error(double value, double error, int decimals);
/// As many decimals as show three figures of a number of this size.
[[nodiscard]] int decimals_for(double size);

}  // namespace attune::sim
