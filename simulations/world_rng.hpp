// SPDX-License-Identifier: Apache-2.0
/// @file
/// world_rng: the randomness of simulated worlds, keyed so that every policy meets the same one.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/core/rng.hpp>

namespace attune::sim {

/// Keeps the draws of worlds apart from those of engines that run under the same seed.
inline constexpr std::uint32_t kWorldPurpose = 0x57'4F'52'4C;

/// The generator for one purpose at one step of the world with this seed.
///
/// Nothing else enters: what a policy does never moves the world's draws (common random numbers), and neither
/// does the number of worker threads.
[[nodiscard]] inline Rng world_rng(std::uint64_t seed, std::string_view purpose,
                                   std::uint64_t step) noexcept {
  return Rng(seed, name_stream(purpose), step, kWorldPurpose);
}

}  // namespace attune::sim
