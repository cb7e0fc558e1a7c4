// SPDX-License-Identifier: Apache-2.0
/// @file
/// What answers for people are made of: numbers, sizes, ages, columns, bars.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/clock.hpp>

namespace attune::tools {

/// Text from a store, safe for a terminal: control characters as \xNN, the rest as it is.
[[nodiscard]] std::string printable(std::string_view text);
/// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t value);
/// A number in at most `digits` significant digits; "-" for NaN.
[[nodiscard]] std::string rounded(double value, int digits = 4);
/// All digits that a double has: reads back to the same bits.
[[nodiscard]] std::string exact(double value);
/// "1 record", "2,000 records".
[[nodiscard]] std::string plural(std::uint64_t count, std::string_view one);
/// "5.86 KiB".
[[nodiscard]] std::string size_text(std::uint64_t bytes);
/// "12.5%"; "-" where there is no whole.
[[nodiscard]] std::string percent(double part, double whole);
/// A span of time in one unit: "350 us", "2.5 s", "3 min", "4 h", "9 d".
[[nodiscard]] std::string span_text(Nanos span);
/// RFC 3339 in UTC with microseconds: "2023-11-14T22:13:20.000000Z".
[[nodiscard]] std::string time_text(Nanos time);
[[nodiscard]] std::string time_or_dash(const std::optional<Nanos>& time);
/// "16 hexadecimal digits".
[[nodiscard]] std::string hex_text(std::uint64_t value);
/// The name, printable; "#7" where only the number is known; "-" for neither.
[[nodiscard]] std::string name_or_number(std::string_view name, std::optional<std::uint32_t> number);
/// Shares from 0 to 1 as one block character each, ▁ to █; a share of 0 is a dot.
[[nodiscard]] std::string bars(std::span<const double> shares);
/// Columns taken by UTF-8 text on a terminal, each code point counted as one.
[[nodiscard]] std::size_t width_of(std::string_view text);

/// "label         value\n", for lists of facts.
void add_line(std::string& out, std::string_view label, std::string_view value);

/// Left- or right-aligned columns, two spaces apart, under a line of names.
class InspectTable {
 public:
  /// A name that starts with '>' makes a right-aligned column.
  explicit InspectTable(const std::vector<std::string>& names);
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const noexcept { return rows_.size() == 1; }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;  // the names first
};

/// One cell of a CSV file, quoted where RFC 4180 asks for it.
[[nodiscard]] std::string csv_cell(std::string_view text);

}  // namespace attune::tools
