// SPDX-License-Identifier: Apache-2.0
/// @file
/// Plain decimal numbers, read fast.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace attune::sim {

/// Digits with at most one point and at most 18 of them: nearly every number of such files. Exact where the
/// digits make a number below 2^53 and the power of ten is a double, up to 10^22; else nothing.
[[nodiscard]] inline std::optional<double> short_decimal(const char* at, const char* end) noexcept {
  static constexpr std::array<double, 19> kPowers{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                                  1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
  const bool negative = at != end && *at == '-';
  at += negative ? 1 : 0;
  if (end - at > 19 || at == end) {
    return std::nullopt;
  }
  std::uint64_t digits = 0;
  std::size_t count = 0;
  std::size_t behind = 0;
  bool point = false;
  for (; at != end; ++at) {
    const auto digit = static_cast<unsigned char>(*at - '0');
    if (digit <= 9) {
      digits = digits * 10 + digit;
      ++count;
      behind += point ? 1U : 0U;
    } else if (*at == '.' && !point) {
      point = true;
    } else {
      return std::nullopt;
    }
  }
  if (count == 0 || count > 18 || digits > (std::uint64_t{1} << 53U)) {
    return std::nullopt;
  }
  const double value = static_cast<double>(digits) / kPowers.at(behind);
  return negative ? -value : value;
}

}  // namespace attune::sim
