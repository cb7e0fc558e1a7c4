// SPDX-License-Identifier: Apache-2.0
/// @file
/// What learning of a RidgeBank and the check of its saved state go by.
#pragma once

#include <algorithm>
#include <cstddef>

namespace attune::detail {

/// Leaves 0 for finite numbers and NaN for others: sums of it tell whether all were finite, without a branch
/// each.
[[nodiscard]] inline double finite_probe(double value) noexcept { return value * 0.0; }

/// A model is inverted anew when its drift goes beyond this.
[[nodiscard]] inline double refresh_limit(std::size_t dimension) noexcept {
  return static_cast<double>(std::max<std::size_t>(1024, 8 * dimension));
}

}  // namespace attune::detail
