// SPDX-License-Identifier: Apache-2.0
/// @file
/// What a range of actions must be.
#pragma once

#include <algorithm>
#include <cmath>

namespace attune::detail {

/// Whether a range is not so narrow, beside the numbers it lies between, that its parts would be lost in
/// rounding.
[[nodiscard]] inline bool wide_enough(double low, double high) noexcept {
  return high - low > 1e-6 * std::max(std::abs(low), std::abs(high));
}

}  // namespace attune::detail
