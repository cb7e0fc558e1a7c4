// SPDX-License-Identifier: Apache-2.0
/// @file
/// InspectTable: columns of plain text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attune::tools {

/// Text from a store, safe for a terminal: control characters as \xNN, the rest as it is.
[[nodiscard]] std::string printable(std::string_view text);

/// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t value);

/// A number in at most `digits` significant digits; "-" for NaN.
[[nodiscard]] std::string rounded(double value, int digits = 4);

/// Left- or right-aligned columns, two spaces apart, under a line of names.
class InspectTable {
 public:
  /// A name that starts with '>' makes a right-aligned column.
  explicit InspectTable(const std::vector<std::string>& names);
  void add(std::vector<std::string> cells);
  [[nodiscard]] std::string text() const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;  // the names first
};

}  // namespace attune::tools
