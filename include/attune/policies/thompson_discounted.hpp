// SPDX-License-Identifier: Apache-2.0
/// @file
/// ThompsonDiscounted: Thompson sampling in which old rewards fade, by the time of their decisions.
#pragma once

#include <attune/policies/fading_means.hpp>
#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of ThompsonDiscounted.
struct ThompsonDiscountedConfig {
  double alpha = 1.0;
  double beta = 1.0;
  double discount = 0.995;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("alpha", self.alpha, Bounds{1e-3, 1e9}, "prior successes of each arm");
    visit("beta", self.beta, Bounds{1e-3, 1e9}, "prior failures of each arm");
    visit("discount", self.discount, Bounds{0.5, 1}, "what a reward weighs after each further decision");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const ThompsonDiscountedConfig&) const = default;
};

/// draw(a) ~ Beta(alpha + S(a), beta + F(a)), where a reward r adds discount^k r to S and discount^k (1 - r)
/// to F, k decisions having been made since its own.
///
/// Source: Raj, Kalyani (2017), "Taming Non-stationary Bandits: A Bayesian Approach", arXiv:1707.09727,
/// algorithm 1. Differences: the age of a reward is that of its decision, however late it comes
/// (`thompson_beta` with a discount counts from its arrival); rewards inside (0, 1) are added in parts.
///
/// Rewards: in [0, 1]; others are refused. Cost: select O(arms), one Beta variate an arm; update O(arms).
/// Limits: the context is checked but not used; no regret bound is known.
struct ThompsonDiscountedRule {
  using Config = ThompsonDiscountedConfig;
  using Means = FadingMeans;
  static Means means(const Config& config, const Shape& shape) {
    return {shape, config.discount, config.alpha / (config.alpha + config.beta)};
  }
  static constexpr std::string_view kName = "thompson_discounted";
  static constexpr std::string_view kTitle = "Discounted Thompson sampling (Beta)";
  static constexpr bool kRandom = true;
  static constexpr std::size_t kCached = 0;
};

using ThompsonDiscounted = IndexPolicy<ThompsonDiscountedRule>;
extern template class IndexPolicy<ThompsonDiscountedRule>;

}  // namespace attune
