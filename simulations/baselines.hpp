// SPDX-License-Identifier: Apache-2.0
/// @file
/// Baselines: ways of choosing that policies are compared with; most of them know what no policy can.
#pragma once

#include <string>
#include <vector>

#include "simulations/course.hpp"
#include "simulations/scenario.hpp"

namespace attune::sim {

enum class Baseline : std::uint8_t {
  random,             ///< every arm with the same probability; its expectation, not a draw
  cheapest,           ///< the one arm with the lowest total cost; only where outcomes have a cost
  best_single,        ///< the one arm with the highest total reward, known afterwards
  best_per_category,  ///< the best arm of each category, known afterwards; only where there are categories
  oracle,             ///< the best arm of each step
};
[[nodiscard]] std::string_view to_string(Baseline baseline) noexcept;

/// The baselines that make sense in a scenario, in the order above.
[[nodiscard]] std::vector<Baseline> baselines_of(const Scenario& scenario);

/// Goes through a world once to find the arms that would have been best.
[[nodiscard]] Hindsight look_back(const Scenario& scenario, const World& world);

/// The courses of baselines_of(scenario) in one world.
[[nodiscard]] std::vector<Course> run_baselines(const Scenario& scenario, const World& world,
                                                const Hindsight& hindsight);

}  // namespace attune::sim
