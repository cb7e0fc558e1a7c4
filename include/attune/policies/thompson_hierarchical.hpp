// SPDX-License-Identifier: Apache-2.0
/// @file
/// ThompsonHierarchical: Thompson sampling that learns from all arms what to expect of a new one.
#pragma once

#include <attune/policies/index_policy.hpp>
#include <attune/policies/top_two_thompson.hpp>

namespace attune {

/// Options of ThompsonHierarchical. The defaults suit rewards in [0, 1]: a uniform population, of which
/// little is believed; the first arm has the prior Beta(1/2, 1/2).
struct ThompsonHierarchicalConfig {
  ArmModel model = ArmModel::bernoulli;
  double prior_mean = 0.5;
  double prior_spread = 0.2886751345948129;
  double prior_arms = 1.0;
  double deviation = 0.5;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("model", self.model, Bounds{}, "what is believed of the rewards of an arm");
    visit("prior_mean", self.prior_mean, Bounds{-1e12, 1e12},
          "expected mean of an arm; kept inside (0, 1) for bernoulli");
    visit("prior_spread", self.prior_spread, Bounds{1e-9, 1e12},
          "expected deviation between the means of arms, in units of reward");
    visit("prior_arms", self.prior_arms, Bounds{0.1, 1e9}, "arms that prior_spread is worth");
    visit("deviation", self.deviation, Bounds{1e-9, 1e12},
          "expected deviation of a reward of an arm, worth one reward; of the gaussian model");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const ThompsonHierarchicalConfig&) const = default;
};

/// The means of arms come from a population with mean m and variance v, which are estimated from all arms and
/// are the prior of each (empirical Bayes). Draws a mean from each arm's posterior and takes the largest:
///
///     bernoulli:  draw(a) ~ Beta(m k + S(a), (1 - m) k + F(a)),    k = m (1 - m) / (v + e) - 1
///     gaussian:   draw(a) ~ Normal((m / v + n mean(a) / s) V, V + (V / v)^2 e),   V = 1 / (1 / v + n / s)
///
/// s is the variance of rewards within an arm, pooled over all, and e the squared error of m. So a new arm is
/// taken for one like the others: seldom tried where the others differ little and a better one is known, at
/// once where it may be better by far. v is DerSimonian and Laird's estimate from the arms that were tried,
/// averaged with prior_spread^2; m weighs every arm by 1 / (v + s / n), and prior_mean by 2 / prior_spread^2.
///
/// Source: Hong, Kveton, Zaheer, Ghavamzadeh (2022), "Hierarchical Bayesian Bandits", AISTATS, algorithm 1
/// (HierTS); its Theorem 4: regret is smaller than that without the hierarchy by what the arms say of each
/// other. The variance: DerSimonian, Laird (1986), "Meta-Analysis in Clinical Trials", Controlled Clinical
/// Trials 7. Differences: v is estimated, where theirs is given; m is not drawn but its error is added, for
/// each arm by itself, so that scores stay independent and propensities can be computed.
///
/// Rewards: those of the model; others are refused. Cost: select O(arms), two passes over them and one
/// variate an arm; update O(1). Limits: the context is checked but not used; stationary rewards are assumed;
/// arms of two kinds make one wide population.
struct ThompsonHierarchicalRule {
  using Config = ThompsonHierarchicalConfig;
  static constexpr std::string_view kName = "thompson_hierarchical";
  static constexpr std::string_view kTitle = "Hierarchical Thompson sampling";
  static constexpr bool kRandom = true;
  static constexpr bool kProperPrior = true;
  static constexpr std::size_t kCached = 0;
  static constexpr RewardDomain domain(const Config& config) noexcept {
    return TopTwoThompsonRule::domain({.model = config.model});
  }
  static constexpr double first_mean(const Config& config) noexcept { return config.prior_mean; }
};

using ThompsonHierarchical = IndexPolicy<ThompsonHierarchicalRule>;
extern template class IndexPolicy<ThompsonHierarchicalRule>;

}  // namespace attune
