// SPDX-License-Identifier: Apache-2.0
/// @file
/// LogisticTs: Thompson sampling for rewards in [0, 1], one Bayesian logistic regression an arm.
#pragma once

#include <attune/policies/oracle_policy.hpp>

namespace attune {

/// Options of LogisticTs.
struct LogisticTsConfig {
  OracleKind oracle = OracleKind::automatic;
  double scale = 0.25;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("oracle", self.oracle, Bounds{}, "what predicts the rewards; see RewardOracle");
    visit("scale", self.scale, Bounds{0, 1e6},
          "factor on the deviation that is drawn from; 1: the posterior's");
  }
  bool operator==(const LogisticTsConfig&) const = default;
};

/// The rule of LogisticTs: see OraclePolicy.
struct LogisticTsRule {
  using Config = LogisticTsConfig;
  static constexpr std::string_view kName = "logistic_ts";
  static constexpr std::string_view kTitle = "logistic Thompson sampling";
  static constexpr OracleChoice kChoice = OracleChoice::draws;

  [[nodiscard]] static OracleSetup setup(const Config& config) noexcept {
    return {.policy = kName, .oracle = config.oracle, .loss = Loss::logistic};
  }
  [[nodiscard]] static double width(const Config& config, const OracleNumbers& /*known*/) noexcept {
    return config.scale;
  }
};

/// Draws the log odds of each arm from N(m(a), (scale d(a))^2), m and d mean and deviation by a Bayesian
/// logistic regression (RidgeArms: the whole covariance; GradientArms: its diagonal), and takes the largest.
///
/// Source: Chapelle, Li (2011), "An Empirical Evaluation of Thompson Sampling", NIPS, section 4 and
/// Algorithm 3. Differences: the whole covariance is kept, and the posterior is updated after each reward.
///
/// Rewards: in [0, 1]. `propensity`: NaN, computed later. `score`: the log odds that were drawn.
using LogisticTs = OraclePolicy<LogisticTsRule>;
extern template class OraclePolicy<LogisticTsRule>;

}  // namespace attune
