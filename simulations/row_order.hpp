// SPDX-License-Identifier: Apache-2.0
/// @file
/// The order in which a seed goes through the rows of a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "simulations/world_rng.hpp"

namespace attune::sim {

/// 0 ... rows - 1 in the order of the file.
[[nodiscard]] inline std::vector<std::uint32_t> rows_in_order(std::size_t rows) {
  std::vector<std::uint32_t> order(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    order[i] = static_cast<std::uint32_t>(i);
  }
  return order;
}

/// 0 ... rows - 1 in an order drawn uniformly for the seed and round (Fisher, Yates).
[[nodiscard]] inline std::vector<std::uint32_t> rows_shuffled(std::size_t rows, std::uint64_t seed,
                                                              std::uint64_t round = 0) {
  std::vector<std::uint32_t> order = rows_in_order(rows);
  Rng rng = world_rng(seed, "row.order", round);
  for (std::size_t i = rows; i > 1; --i) {
    std::swap(order[i - 1], order[rng.below(i)]);
  }
  return order;
}

}  // namespace attune::sim
