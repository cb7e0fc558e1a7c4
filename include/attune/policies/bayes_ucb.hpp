// SPDX-License-Identifier: Apache-2.0
/// @file
/// BayesUcb: a high quantile of each arm's posterior, for rewards in [0, 1].
#pragma once

#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of BayesUcb: the uniform prior; c = 0 is what its authors use, 5 what their proof needs.
struct BayesUcbConfig {
  double alpha = 1.0;
  double beta = 1.0;
  double c = 0.0;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("alpha", self.alpha, Bounds{1e-3, 1e9}, "prior successes of each arm");
    visit("beta", self.beta, Bounds{1e-3, 1e9}, "prior failures of each arm");
    visit("c", self.c, Bounds{0, 1e3}, "power of ln t in the level of the quantile");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const BayesUcbConfig&) const = default;
};

/// index(a) = quantile of Beta(alpha + n(a) mean(a), beta + n(a) (1 - mean(a))) at 1 - 1 / (t max(1, ln
/// t)^c).
///
/// Source: Kaufmann, Cappe, Garivier (2012), "On Bayesian Upper Confidence Bounds for Bandit Problems",
/// AISTATS, algorithm 1 and Theorem 1 (c >= 5: optimal in the sense of Lai and Robbins for coins).
/// Differences: as for Ucb1; t for the horizon in ln^c, so that none need be known; rewards inside (0, 1) are
/// added in parts; above a million counted rewards Chernoff's bound on the quantile, which is a little
/// larger.
///
/// Rewards: in [0, 1]; others are refused. Pulls of an arm without any reward count as failures while they
/// are pending. Cost: as IndexPolicy. An arm that is near to winning costs the tail of a Beta
/// variable, some hundred nanoseconds to a microsecond, one that takes the lead eight times that. Limits: the
/// context is checked but not used; stationary rewards are assumed.
struct BayesUcbRule {
  using Config = BayesUcbConfig;
  static constexpr std::string_view kName = "bayes_ucb";
  static constexpr std::string_view kTitle = "Bayes-UCB";
  static constexpr RewardDomain kDomain = RewardDomain::unit;
  static constexpr bool kRandom = false;
  static constexpr std::size_t kCached = 4;
  static constexpr double first_mean(const Config& /*config*/) noexcept { return 1.0; }
};

using BayesUcb = IndexPolicy<BayesUcbRule>;
extern template class IndexPolicy<BayesUcbRule>;

}  // namespace attune
