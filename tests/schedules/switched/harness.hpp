// SPDX-License-Identifier: Apache-2.0
/// @file
/// The engine's parts without locks, driven by many threads. Compiled as the engine is for these tests: each
/// of their atomic operations is a switch point.
#pragma once

#include <cstdint>
#include <string>

namespace attune::test {

// Each runs one schedule drawn from `seed` on threads of its own, and says what was wrong; empty: nothing.

/// Ring: several producers, a reader, and a releaser behind it, as learner and journal are.
[[nodiscard]] std::string run_ring(std::uint64_t seed);
/// LeftRight: readers never see a half-made change, nor an older state after a newer one.
[[nodiscard]] std::string run_left_right(std::uint64_t seed);
/// Doorbell: who was rung for before it rests, or while it does, does not rest its time out.
[[nodiscard]] std::string run_doorbell(std::uint64_t seed);
/// DurableCallbacks: each is called once, however adding and running meet.
[[nodiscard]] std::string run_callbacks(std::uint64_t seed);

}  // namespace attune::test
