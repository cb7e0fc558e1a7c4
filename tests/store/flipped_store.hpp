// SPDX-License-Identifier: Apache-2.0
/// @file
/// A small store with one bit of its file flipped, again and again.
#pragma once

#include <cstddef>

namespace attune::test {

struct FlipCounts {
  std::size_t noticed = 0;   ///< refused on opening, or an error on reading
  std::size_t harmless = 0;  ///< every record was given back exactly
};

/// Flips every `step`-th bit of a closed store, one at a time. The test fails when records other than the
/// written ones, or fewer, are given back without an error.
[[nodiscard]] FlipCounts flip_bits_of_a_store(std::size_t step);

}  // namespace attune::test
