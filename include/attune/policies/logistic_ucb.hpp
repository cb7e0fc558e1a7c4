// SPDX-License-Identifier: Apache-2.0
/// @file
/// LogisticUcb: upper confidence bounds for rewards in [0, 1], one Bayesian logistic regression an arm.
#pragma once

#include <attune/policies/oracle_policy.hpp>

namespace attune {

/// Options of LogisticUcb.
struct LogisticUcbConfig {
  OracleKind oracle = OracleKind::automatic;
  double alpha = 0.5;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("oracle", self.oracle, Bounds{}, "what predicts the rewards; see RewardOracle");
    visit("alpha", self.alpha, Bounds{0, 1e6}, "width of the bound, in deviations of the log odds");
  }
  bool operator==(const LogisticUcbConfig&) const = default;
};

/// The rule of LogisticUcb: see OraclePolicy.
struct LogisticUcbRule {
  using Config = LogisticUcbConfig;
  static constexpr std::string_view kName = "logistic_ucb";
  static constexpr std::string_view kTitle = "logistic UCB";
  static constexpr OracleChoice kChoice = OracleChoice::gaps;
  static constexpr bool kLinked = true;

  [[nodiscard]] static OracleSetup setup(const Config& config) noexcept {
    return {.policy = kName, .oracle = config.oracle, .loss = Loss::logistic};
  }
  [[nodiscard]] static double width(const Config& config, const OracleNumbers& /*known*/) noexcept {
    return config.alpha;
  }
  [[nodiscard]] static GapLaw law(const Config& config, const OracleNumbers& known, double best) noexcept;
};

/// Takes the arm with the largest 1 / (1 + exp(-(m(a) + alpha d(a)))), m and d mean and deviation of the log
/// odds by a Bayesian logistic regression (RidgeArms: the whole covariance; GradientArms: its diagonal).
///
/// Source: Li, Chu, Langford, Moon, Wang (2012), "An Unbiased Offline Evaluation of Contextual Bandit
/// Algorithms with Generalized Linear Models", JMLR W&CP 26, and Filippi, Cappe, Garivier, Szepesvari (2010),
/// "Parametric Bandits: The Generalized Linear Case", NIPS. Difference: the posterior is updated by Laplace's
/// approximation after each reward, not fitted anew.
///
/// Rewards: in [0, 1]. `propensity`: 1, or 1/k in a tie of k. Limits: late rewards make it repeat its choice
/// in the same context.
using LogisticUcb = OraclePolicy<LogisticUcbRule>;
extern template class OraclePolicy<LogisticUcbRule>;

}  // namespace attune
