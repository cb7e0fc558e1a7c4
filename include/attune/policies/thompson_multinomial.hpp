// SPDX-License-Identifier: Apache-2.0
/// @file
/// ThompsonMultinomial: Thompson sampling for rewards in [0, 1] that are no coins.
#pragma once

#include <attune/policies/grid_means.hpp>
#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of ThompsonMultinomial.
struct ThompsonMultinomialConfig {
  std::uint32_t support = 11;
  double prior = 1.0;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("support", self.support, Bounds{2, 256}, "support points 0, .., 1 that rewards are split between");
    visit("prior", self.prior, Bounds{0.01, 1e6}, "rewards that each support point starts with");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const ThompsonMultinomialConfig&) const = default;
};

/// draw(a) = sum over i of x_i P_i with P ~ Dirichlet(prior + N_0(a), .., prior + N_M(a)),
///
/// where x_i = i / M are `support` = M + 1 points and N_i(a) is the weight of the rewards of arm a at x_i. A
/// reward between two points is split between them so that its mean stays.
///
/// Source: Riou, Honda (2020), "Bandit Algorithms Based on Thompson Sampling for Bounded Reward
/// Distributions", ALT, algorithm 1 (Multinomial Thompson sampling) and its Theorem 2: with a prior of 1 it
/// is optimal for rewards on such points, in the sense of Burnetas and Katehakis. Difference: rewards between
/// points, where their algorithm 2 keeps every reward for ever; the split costs optimality as far as it
/// widens the distribution, by at most 1 / (4 M^2) of variance.
///
/// Rewards: in [0, 1]; others are refused. Cost: select O(arms), `support` gamma variates an arm; update
/// O(1). Memory: 8 bytes a support point of an arm besides. Limits: the context is checked but not used;
/// stationary rewards are assumed; coins are cheaper with ThompsonBeta.
struct ThompsonMultinomialRule {
  using Config = ThompsonMultinomialConfig;
  using Means = GridMeans;
  static Means means(const Config& config, const Shape& shape) { return {shape, config.support}; }
  static constexpr std::string_view kName = "thompson_multinomial";
  static constexpr std::string_view kTitle = "Multinomial Thompson sampling";
  static constexpr bool kRandom = true;
  static constexpr bool kOwnChoice = true;
  static constexpr std::size_t kCached = 0;
};

using ThompsonMultinomial = IndexPolicy<ThompsonMultinomialRule>;
extern template class IndexPolicy<ThompsonMultinomialRule>;

}  // namespace attune
