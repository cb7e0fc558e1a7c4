// SPDX-License-Identifier: Apache-2.0
/// @file
/// Options of algorithms, each declared once: JSON, bounds, JSON Schema and help follow from `fields`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <attune/core/error.hpp>

namespace attune {

/// Closed interval a number must lie in; for a vector, each entry.
struct Bounds {
  double min = 0.0;
  double max = 0.0;
};

/// Names of an enumeration's values, in order of the values 0, 1, 2, ...; specialise for each enum used in a
/// Config: `template <> inline constexpr std::array<std::string_view, 2> kEnumNames<Loss>{"squared",
/// "logistic"};`
template <class E>
inline constexpr std::array<std::string_view, 0> kEnumNames{};

/// Text of a number for messages: shortest form that reads back to the same double.
[[nodiscard]] std::string number_text(double value);

namespace detail {
[[nodiscard]] Result<void> check_number(std::string_view name, double value, Bounds bounds);
}  // namespace detail

/// First field of `config` outside its bounds (or NaN), as an error that names the field, the value found and
/// the values allowed. A Config is a struct with
///
///     template <class Self, class Visitor>
///     static constexpr void fields(Self& self, Visitor&& visit) {
///       visit("name", self.name, Bounds{lo, hi}, "what it means, unit");
///     }
///
/// Field types: bool, std::uint32_t, std::uint64_t, double, std::string, an enum with kEnumNames, and
/// std::vector<double>. Bounds of bool, string and enum fields are ignored.
template <class Config>
[[nodiscard]] Result<void> check_bounds(const Config& config) {
  Result<void> verdict;
  Config::fields(config,
                 [&]<class T>(std::string_view name, const T& value, Bounds bounds, std::string_view) {
                   if (!verdict) {
                     return;
                   }
                   if constexpr (std::is_same_v<T, std::vector<double>>) {
                     for (const double entry : value) {
                       if (verdict) {
                         verdict = detail::check_number(name, entry, bounds);
                       }
                     }
                   } else if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
                     verdict = detail::check_number(name, static_cast<double>(value), bounds);
                   }
                 });
  return verdict;
}

/// A Config without options.
struct NoConfig {
  template <class Self, class Visitor>
  static constexpr void fields(Self& /*self*/, Visitor&& /*visit*/) {}
};

}  // namespace attune
