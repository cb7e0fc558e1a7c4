// SPDX-License-Identifier: Apache-2.0
/// @file
/// SquareCb: inverse gap weighting over a regression of rewards.
#pragma once

#include <attune/policies/oracle_policy.hpp>

namespace attune {

/// Options of SquareCb.
struct SquareCbConfig {
  OracleKind oracle = OracleKind::automatic;
  Loss loss = Loss::squared;
  double gamma = 30.0;
  double optimism = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("oracle", self.oracle, Bounds{}, "what predicts the rewards; see RewardOracle");
    visit("loss", self.loss, Bounds{}, "squared, or logistic for rewards in [0, 1]");
    visit("gamma", self.gamma, Bounds{0, 1e9},
          "weight of the gaps after t rewards of K arms: gamma sqrt(K t), a reward's range as unit");
    visit("optimism", self.optimism, Bounds{0, 1e6},
          "deviations that a score lies above its prediction; 0: as in the paper");
  }
  bool operator==(const SquareCbConfig&) const = default;
};

/// The rule of SquareCb: see OraclePolicy.
struct SquareCbRule {
  using Config = SquareCbConfig;
  static constexpr std::string_view kName = "squarecb";
  static constexpr std::string_view kTitle = "SquareCB";
  static constexpr OracleChoice kChoice = OracleChoice::gaps;
  static constexpr bool kLinked = true;

  [[nodiscard]] static OracleSetup setup(const Config& config) noexcept {
    return {.policy = kName, .oracle = config.oracle, .loss = config.loss};
  }
  [[nodiscard]] static double width(const Config& config, const OracleNumbers& known) noexcept {
    return config.optimism * known.deviation;
  }
  [[nodiscard]] static GapLaw law(const Config& config, const OracleNumbers& known, double best) noexcept;
};

/// Chooses an arm whose score lies g below the best one with probability
///
///     p(a) = 1 / (K + gamma sqrt(K t) g / R),
///
/// and a best one with what is left. K arms may be chosen, t - 1 rewards were learned, R is their range.
/// Scores are predictions plus `optimism` deviations (see OraclePolicy; a deviation is that of the prediction
/// times the deviation of the rewards from their predictions).
///
/// Source: Foster, Rakhlin (2020), "Beyond UCB: Optimal and Efficient Contextual Bandits with Regression
/// Oracles", ICML, Algorithm 1, whose regret is sqrt(K T) times the root of the regression's. Differences:
/// gamma grows with sqrt(t) instead of being set by the horizon and the regression's regret; R, so that no
/// unit is right or wrong; optimism, without which the arms that were not tried yet cost many rounds; equal
/// best arms share.
using SquareCb = OraclePolicy<SquareCbRule>;
extern template class OraclePolicy<SquareCbRule>;

}  // namespace attune
