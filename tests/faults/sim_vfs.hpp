// SPDX-License-Identifier: Apache-2.0
/// @file
/// SQLite's file layer over the simulated disk.
#pragma once

#include <cstdint>

namespace attune::test {

/// Makes the simulated disk SQLite's default file layer. Paths elsewhere go on to the one that was the
/// default. SQLite's own random numbers start again from `seed`.
void install_sim_vfs(std::uint64_t seed);
void remove_sim_vfs();

}  // namespace attune::test
