// SPDX-License-Identifier: Apache-2.0
/// @file
/// `attune-sim slates`, `continuous` and `duels`: regret of bandits whose action is more than one arm of a
/// list.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulations/commands.hpp"
#include "simulations/set_worlds.hpp"

namespace attune::sim {

struct SetsArguments {
  std::vector<std::string> worlds;    ///< by name; empty: all
  std::vector<std::string> policies;  ///< JSON texts or names; empty: those of the world
  std::uint64_t steps = 0;            ///< 0: the world's
  std::uint64_t runs = 0;             ///< 0: the world's
  std::uint64_t seed = 1;
  std::string plots;  ///< folder for an SVG chart a world; empty: none
  bool markdown = false;
  OutputOptions output;
};

/// Prints a table for each world: mean regret and its standard error, at a tenth of the steps and at the end.
[[nodiscard]] Exit sets_command(const Result<std::vector<SetWorld>>& worlds, const SetsArguments& arguments);

}  // namespace attune::sim
