// SPDX-License-Identifier: Apache-2.0
/// @file
/// Logarithm and exponential with the same bits on every machine: those of the C library take fused
/// multiplications where the processor has them, and then round differently, so that the same journal would
/// give different states on two machines.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

namespace attune::detail {

/// ln x for positive normal x, within two units in the last place.
///
/// x = m * 2^e with m in [sqrt(1/2), sqrt(2)), and ln m = 2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...) with
/// s = (m - 1) / (m + 1), |s| < 0.1716, whose first term left out is below 2^-57 of the sum.
[[nodiscard]] inline double portable_log(double x) noexcept {
  constexpr std::uint64_t kSqrtHalf = 0x3FE6A09E667F3BCDULL;
  constexpr std::uint64_t kOne = 0x3FF0000000000000ULL;
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x) + (kOne - kSqrtHalf);
  const double exponent = static_cast<double>(static_cast<std::int64_t>(bits >> 52U) - 1023);
  const double m = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFFULL) + kSqrtHalf);
  const double s = (m - 1.0) / (m + 1.0);
  const double z = s * s;
  const double z2 = z * z;
  const double z4 = z2 * z2;
  // 1/3 + z/5 + z^2/7 + ... + z^9/21, in pairs: a chain would be three times as long.
  const double low = (1.0 / 3 + z * (1.0 / 5)) + z2 * (1.0 / 7 + z * (1.0 / 9));
  const double middle = (1.0 / 11 + z * (1.0 / 13)) + z2 * (1.0 / 15 + z * (1.0 / 17));
  const double high = 1.0 / 19 + z * (1.0 / 21);
  const double tail = z * (low + z4 * (middle + z4 * high));
  return exponent * std::numbers::ln2 + (2.0 * s + 2.0 * s * tail);
}

/// e^x for finite x, within two units in the last place; 0 below -745, infinite above 710.
///
/// x = k ln 2 + r with |r| <= ln(2) / 2, and e^r by its series to r^13, whose first term left out is below
/// 2^-57.
[[nodiscard]] inline double portable_exp(double x) noexcept {
  // NOLINTNEXTLINE(modernize-use-std-numbers): a rounded part of ln 2 is meant
  constexpr double kLn2High = 0x1.62e42fee00000p-1;  // 33 bits: its product with k is exact
  constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  if (!(x >= -745.0)) {
    return 0.0;
  }
  if (x > 710.0) {
    return std::numeric_limits<double>::infinity();
  }
  const double k = std::floor(x * std::numbers::log2e + 0.5);
  const double r = (x - k * kLn2High) - k * kLn2Low;
  double term = 1.0 / 6227020800.0;  // 1/13!
  for (const double next :
       {1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0,
        1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5}) {
    term = next + r * term;
  }
  const double power = 1.0 + (r + r * r * term);
  const auto exponent = static_cast<std::int64_t>(k);
  if (exponent >= -1021 && exponent <= 1023) {
    return power * std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52U);
  }
  return std::ldexp(power, static_cast<int>(exponent));
}

}  // namespace attune::detail
