// SPDX-License-Identifier: Apache-2.0
/// @file
/// RegCb: the best reward that a regression with nearly the least error could predict.
#pragma once

#include <attune/policies/oracle_policy.hpp>

namespace attune {

/// Options of RegCb.
struct RegCbConfig {
  OracleKind oracle = OracleKind::automatic;
  Loss loss = Loss::squared;
  double mellowness = 0.1;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("oracle", self.oracle, Bounds{}, "what predicts the rewards; see RewardOracle");
    visit("loss", self.loss, Bounds{}, "squared, or logistic for rewards in [0, 1]");
    visit("mellowness", self.mellowness, Bounds{0, 1e6},
          "how much more squared error a regression may have, for each log of the rounds");
  }
  bool operator==(const RegCbConfig&) const = default;
};

/// The rule of RegCb: see OraclePolicy.
struct RegCbRule {
  using Config = RegCbConfig;
  static constexpr std::string_view kName = "regcb";
  static constexpr std::string_view kTitle = "RegCB";
  static constexpr OracleChoice kChoice = OracleChoice::gaps;
  static constexpr bool kLinked = false;

  [[nodiscard]] static OracleSetup setup(const Config& config) noexcept {
    return {.policy = kName, .oracle = config.oracle, .loss = config.loss};
  }
  [[nodiscard]] static double width(const Config& config, const OracleNumbers& known) noexcept;
  [[nodiscard]] static GapLaw law(const Config& config, const OracleNumbers& known, double best) noexcept;
};

/// Takes the arm with the largest
///
///     score(a) = max { f(x) : f a regression of arm a, error(f) <= least error + D },
///     D = s^2 mellowness ln(1 + K t)
///
/// s^2 the mean squared error of the predictions. For a ridge regression that maximum is its prediction plus
/// sqrt(D) times the deviation that OraclePolicy calls d(a), for others taken to be. Ties are broken
/// uniformly.
///
/// Source: Foster, Agarwal, Dudik, Luo, Schapire (2018), "Practical Contextual Bandits with Regression
/// Oracles", ICML, Algorithm 1, optimistic; the maximum in closed form instead of by binary search.
/// Differences: D counts in units of s^2, so that no scale of rewards is right or wrong; predictions are not
/// cut to a range.
///
/// `propensity`: 1, or 1/k in a tie of k. Limits: late rewards make it repeat its choice in the same context.
using RegCb = OraclePolicy<RegCbRule>;
extern template class OraclePolicy<RegCbRule>;

}  // namespace attune
