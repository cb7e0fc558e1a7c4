// SPDX-License-Identifier: Apache-2.0
/// @file
/// `attune-sim regret`: bandits without context on the standard coin instances, beside known figures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulations/commands.hpp"

namespace attune::sim {

struct RegretArguments {
  std::vector<std::string> policies;     ///< JSON texts or names; empty: a default selection
  std::vector<std::uint64_t> instances;  ///< numbers of standard instances from 1; empty: all
  std::vector<double> means;             ///< an instance of the user's own, instead of those
  std::uint64_t steps = 0;               ///< its horizon; of a standard instance: instead of its own
  std::uint64_t runs = 0;                ///< 0: as many as the known figures have
  std::uint64_t seed = 1;
  bool known_horizon = false;
  std::string plots;  ///< folder for an SVG chart an instance; empty: none
  bool markdown = false;
  OutputOptions output;
};

/// Prints a table of mean regret and its standard error, a row an instance, and below it the known figures.
[[nodiscard]] Exit regret_command(const RegretArguments& arguments);

}  // namespace attune::sim
