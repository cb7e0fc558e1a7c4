// SPDX-License-Identifier: Apache-2.0
/// @file
/// `attune-sim tradeoff`: what arms earn beside what they cost, and what a spend rate buys.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulations/commands.hpp"
#include "simulations/environment.hpp"

namespace attune::sim {

struct TradeoffArguments {
  std::string environment = R"({"type": "full_log", "preset": "llmrouter-uiuc"})";  ///< JSON
  std::string reward = "quality";
  std::string cost = "cost";
  std::vector<double>
      rates{};  ///< cost a decision; empty: between those of the cheapest and of the dearest arm
  double alpha = 0.5;
  double ridge = 1.0;
  std::uint64_t seeds = 10;
  std::uint64_t horizon = 0;  ///< 0: as long as the environment is, or 10,000
  bool markdown = false;
  bool json = false;
};

/// Means of an environment's steps, by category and arm.
struct TradeoffMeans {
  std::vector<std::string> arms;
  std::vector<double> share;                ///< of a category among the steps
  std::vector<std::vector<double>> reward;  ///< category, arm
  std::vector<std::vector<double>> cost;

  /// Over all categories.
  [[nodiscard]] double mean(const std::vector<std::vector<double>>& of, std::size_t arm) const;
  /// The most that a mixture of arms earns a step when it may cost `rate`: the same mixture everywhere, or
  /// one for each category. By the dual of the linear program; NaN where no mixture costs so little.
  [[nodiscard]] double best_mixture(double rate, bool by_category) const;
};

/// Prints the arms with their Pareto front and its hypervolume, and for each spend rate what budgeted_lin_ucb
/// earned with the category as its context, beside the best mixtures in hindsight.
[[nodiscard]] Exit tradeoff_command(const TradeoffArguments& arguments);

}  // namespace attune::sim
