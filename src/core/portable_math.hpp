// SPDX-License-Identifier: Apache-2.0
/// @file
/// Logarithm, exponential and cosine with the same bits on every machine: those of the C library take fused
/// multiplications where the processor has them, and then round differently, so that the same journal would
/// give different states on two machines.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>

namespace attune::detail {

/// ln x = 2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...) with s = (x - 1) / (x + 1), for x in [sqrt(1/2),
/// sqrt(2)]: |s| < 0.1716, so that the first term left out is below 2^-57 of the sum.
[[nodiscard]] constexpr double log_by_series(double x) noexcept {
  const double s = (x - 1.0) / (x + 1.0);
  const double z = s * s;
  double tail = 0.0;
  for (int n = 21; n > 1; n -= 2) {
    tail = z * (1.0 / n + tail);
  }
  return 2.0 * s + 2.0 * s * tail;
}

/// Logarithms of points that no number between sqrt(1/2) and sqrt(2) is farther from than 2^-7 of it.
struct LogTable {
  static constexpr std::size_t kSize = 128;
  static constexpr std::uint64_t kSqrtHalf = 0x3FE6A09E667F3BCDULL;
  static constexpr unsigned kStep = 45;  // bits of a double below its place in the table
  struct Entry {
    double point;
    double inverse;
    double log;
  };
  std::array<Entry, kSize> entry{};

  constexpr LogTable() noexcept {
    for (std::size_t i = 0; i < kSize; ++i) {
      const std::uint64_t low = kSqrtHalf + (std::uint64_t{i} << kStep);
      const std::uint64_t high = low + (std::uint64_t{1} << kStep);
      // Around 1 the point is 1 itself: the logarithm goes through zero there.
      const bool one = low <= std::bit_cast<std::uint64_t>(1.0) && std::bit_cast<std::uint64_t>(1.0) < high;
      const double point = one ? 1.0 : std::bit_cast<double>(low + (std::uint64_t{1} << (kStep - 1)));
      entry.at(i) = {point, 1.0 / point, log_by_series(point)};
    }
  }
};
inline constexpr LogTable kLogTable;

/// ln x for positive normal x, within three units in the last place.
///
/// x = m * 2^e with m in [sqrt(1/2), sqrt(2)), and ln m = ln c + ln(1 + r) with r = (m - c) / c for the c of
/// the table next to m: m - c is exact, and the series of ln(1 + r) to r^8 leaves out less than 2^-58 of r.
/// There is no division: this stands in the update of several bandits.
[[nodiscard]] inline double portable_log(double x) noexcept {
  const std::uint64_t above = std::bit_cast<std::uint64_t>(x) - LogTable::kSqrtHalf;
  const std::int64_t exponent = static_cast<std::int64_t>(above) >> 52U;
  const LogTable::Entry& near = kLogTable.entry[(above >> LogTable::kStep) % LogTable::kSize];
  const double m =
      std::bit_cast<double>(std::bit_cast<std::uint64_t>(x) - (static_cast<std::uint64_t>(exponent) << 52U));
  const double r = (m - near.point) * near.inverse;
  const double z = r * r;
  // -1/2 + r/3 - r^2/4 + ... - r^6/8, in pairs: a chain would be longer.
  const double tail = ((-1.0 / 2 + r * (1.0 / 3)) + z * (-1.0 / 4 + r * (1.0 / 5))) +
                      (z * z) * ((-1.0 / 6 + r * (1.0 / 7)) + z * (-1.0 / 8));
  return (static_cast<double>(exponent) * std::numbers::ln2 + near.log) + (r + z * tail);
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

/// cos(2 pi turns) for finite turns, within 1e-15 where |turns| is below 1; beyond, what rounding leaves of
/// the fraction.
///
/// With g = |fraction - 1/2| it is 2 sin^2(pi g) - 1, and the sine of at most pi / 2 by its series to x^21,
/// whose first term left out is below 2^-59. There is no branch: loops over it run several at a time.
[[nodiscard]] inline double portable_cos_turns(double turns) noexcept {
  const double x = std::numbers::pi * std::abs((turns - std::floor(turns)) - 0.5);
  const double z = x * x;
  double sine = 1.0 / 51090942171709440000.0;  // 1/21!
  sine = -1.0 / 121645100408832000.0 + z * sine;
  sine = 1.0 / 355687428096000.0 + z * sine;
  sine = -1.0 / 1307674368000.0 + z * sine;
  sine = 1.0 / 6227020800.0 + z * sine;
  sine = -1.0 / 39916800.0 + z * sine;
  sine = 1.0 / 362880.0 + z * sine;
  sine = -1.0 / 5040.0 + z * sine;
  sine = 1.0 / 120.0 + z * sine;
  sine = -1.0 / 6.0 + z * sine;
  sine = x + x * (z * sine);
  return 2.0 * (sine * sine) - 1.0;
}

}  // namespace attune::detail
