// SPDX-License-Identifier: Apache-2.0
/// @file
/// An exponential that has the same bits on every machine.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace attune::detail {

/// 1/0!, 1/1!, ..., 1/13!
inline constexpr std::array<double, 14> kInverseFactorials = [] {
  std::array<double, 14> table{};
  double factorial = 1.0;
  for (std::size_t n = 0; n < table.size(); ++n) {
    factorial *= n == 0 ? 1.0 : static_cast<double>(n);
    table[n] = 1.0 / factorial;
  }
  return table;
}();

/// e^x for x <= 0, within two units in the last place; 0 below -708, where it would leave the normal numbers.
///
/// x = k ln 2 + r with |r| <= ln(2)/2, and e^r by its series, whose first term left out is below 2^-57. Own
/// code because the exponential of the C library takes fused multiplications where the processor has them,
/// and then rounds differently: the same journal would give different states on two machines.
[[nodiscard]] inline double portable_exp(double x) noexcept {
  if (!(x >= -708.0)) {
    return 0.0;
  }
  // ln 2 in two parts; the first has so few bits that k times it is exact.
  constexpr double kLn2High = 0x1.62e42feep-1;  // NOLINT(modernize-use-std-numbers): not all of ln 2
  constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  const auto k = static_cast<std::int64_t>((x * std::numbers::log2e) - 0.5);
  const auto multiple = static_cast<double>(k);
  const double r = (x - (multiple * kLn2High)) - (multiple * kLn2Low);
  double sum = 0.0;
  for (std::size_t term = kInverseFactorials.size(); term-- > 0;) {
    sum = (sum * r) + kInverseFactorials[term];
  }
  return sum * std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52U);
}

}  // namespace attune::detail
