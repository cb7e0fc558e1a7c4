// SPDX-License-Identifier: Apache-2.0
/// @file
/// LinEpsilonGreedy: epsilon-greedy over a regression of rewards.
#pragma once

#include <attune/policies/oracle_policy.hpp>

namespace attune {

/// Options of LinEpsilonGreedy.
struct LinEpsilonGreedyConfig {
  OracleKind oracle = OracleKind::automatic;
  Loss loss = Loss::squared;
  double epsilon = 0.2;
  double epsilon_min = 0.0;
  double optimism = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("oracle", self.oracle, Bounds{}, "what predicts the rewards; see RewardOracle");
    visit("loss", self.loss, Bounds{}, "squared, or logistic for rewards in [0, 1]");
    visit("epsilon", self.epsilon, Bounds{0, 1}, "share of random choices at the first reward");
    visit("epsilon_min", self.epsilon_min, Bounds{0, 1}, "what it falls to; as epsilon: constant");
    visit("optimism", self.optimism, Bounds{0, 1e6},
          "deviations that a score lies above its prediction; 0: plain epsilon-greedy");
  }
  bool operator==(const LinEpsilonGreedyConfig&) const = default;
};

/// The rule of LinEpsilonGreedy: see OraclePolicy.
struct LinEpsilonGreedyRule {
  using Config = LinEpsilonGreedyConfig;
  static constexpr std::string_view kName = "lin_epsilon_greedy";
  static constexpr std::string_view kTitle = "epsilon-greedy";
  static constexpr OracleChoice kChoice = OracleChoice::gaps;
  static constexpr bool kLinked = false;

  [[nodiscard]] static OracleSetup setup(const Config& config) noexcept {
    return {.policy = kName, .oracle = config.oracle, .loss = config.loss};
  }
  [[nodiscard]] static double width(const Config& config, const OracleNumbers& known) noexcept {
    return config.optimism * known.deviation;
  }
  [[nodiscard]] static GapLaw law(const Config& config, const OracleNumbers& known, double best) noexcept;
};

/// Chooses uniformly with probability e = max(epsilon / sqrt(t), epsilon_min), t - 1 the number of rewards,
/// else the arm with the largest score: its prediction plus `optimism` deviations (see OraclePolicy).
///
/// Source: Langford, Zhang (2007), "The Epoch-Greedy Algorithm for Contextual Multi-armed Bandits", NIPS, and
/// Bietti, Agarwal, Langford (2021), "A Contextual Bandit Bake-off", JMLR 22(133), for decreasing epsilon.
/// Difference: optimism.
///
/// `score`: before the link with logistic loss.
using LinEpsilonGreedy = OraclePolicy<LinEpsilonGreedyRule>;
extern template class OraclePolicy<LinEpsilonGreedyRule>;

}  // namespace attune
