// SPDX-License-Identifier: Apache-2.0
/// @file
/// FastCb: inverse gap weighting relative to the loss of the best arm.
#pragma once

#include <attune/policies/oracle_policy.hpp>

namespace attune {

/// Options of FastCb.
struct FastCbConfig {
  OracleKind oracle = OracleKind::automatic;
  double gamma = 30.0;
  double optimism = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("oracle", self.oracle, Bounds{}, "what predicts the rewards; see RewardOracle");
    visit("gamma", self.gamma, Bounds{0, 1e9},
          "weight of the gaps after t rewards of K arms: gamma sqrt(K t)");
    visit("optimism", self.optimism, Bounds{0, 1e6},
          "deviations that a score lies above its prediction; 0: as in the paper");
  }
  bool operator==(const FastCbConfig&) const = default;
};

/// The rule of FastCb: see OraclePolicy.
struct FastCbRule {
  using Config = FastCbConfig;
  static constexpr std::string_view kName = "fastcb";
  static constexpr std::string_view kTitle = "FastCB";
  static constexpr OracleChoice kChoice = OracleChoice::gaps;
  static constexpr bool kLinked = true;

  [[nodiscard]] static OracleSetup setup(const Config& config) noexcept {
    return {.policy = kName, .oracle = config.oracle, .loss = Loss::logistic};
  }
  [[nodiscard]] static double width(const Config& config, const OracleNumbers& known) noexcept {
    return config.optimism * known.deviation;
  }
  [[nodiscard]] static GapLaw law(const Config& config, const OracleNumbers& known, double best) noexcept;
};

/// As SquareCb, over logistic regressions, with probability
///
///     p(a) = l / (K l + gamma sqrt(K t) g),    l = 1 - the best score
///
/// for an arm whose score lies g below the best: where the best arm loses next to nothing, next to nothing is
/// explored.
///
/// Source: Foster, Krishnamurthy (2021), "Efficient First-Order Contextual Bandits: Prediction, Allocation,
/// and Triangular Discrimination", NeurIPS, Algorithm 1, whose regret is sqrt(K L) with L the loss of the
/// best policy. Differences: as SquareCb's.
///
/// Rewards: in [0, 1].
using FastCb = OraclePolicy<FastCbRule>;
extern template class OraclePolicy<FastCbRule>;

}  // namespace attune
