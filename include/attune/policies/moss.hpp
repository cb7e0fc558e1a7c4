// SPDX-License-Identifier: Apache-2.0
/// @file
/// Moss: the upper confidence bound that is optimal in the worst case.
#pragma once

#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of Moss.
struct MossConfig {
  std::uint64_t horizon = 0;
  double alpha = 1.35;
  double reward_range = 1.0;
  double optimistic_mean = 1.0;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("horizon", self.horizon, Bounds{0, 1e15}, "pulls that there will be; 0: not known, those so far");
    visit("alpha", self.alpha, Bounds{0, 100},
          "without a horizon, the bonus is sqrt((1 + alpha) / 2) as wide");
    visit("reward_range", self.reward_range, Bounds{1e-9, 1e9}, "largest minus smallest possible reward");
    visit("optimistic_mean", self.optimistic_mean, Bounds{-1e12, 1e12},
          "mean assumed for an arm whose rewards are all pending: the top of the reward range");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const MossConfig&) const = default;
};

/// index(a) = mean(a) + R sqrt( ln+(T / (K n(a))) / n(a) ) where the horizon T is known, and
///
/// index(a) = mean(a) + R sqrt( (1 + alpha) / 2 * ln+(t / (K n(a))) / n(a) ) where it is not,
///
/// ln+ x = max(ln x, 0), K the number of arms that may be chosen, R the reward range.
///
/// Source: Audibert, Bubeck (2009), "Minimax Policies for Adversarial and Stochastic Bandits", COLT, section
/// 2: regret at most 49 sqrt(KT); without horizon Degenne, Perchet (2016), "Anytime Optimal Algorithms in
/// Stochastic Multi-Armed Bandits", ICML, MOSS-anytime, alpha 1.35 being their choice in experiments.
/// Differences: as for Ucb1; R is an option. After the horizon it goes on with t.
///
/// Rewards: any finite number; meant for an interval of length R. Limits: the context is checked but not
/// used; stationary rewards are assumed; with gaps that are not small KlUcb and Imed do better.
struct MossRule {
  using Config = MossConfig;
  static constexpr std::string_view kName = "moss";
  static constexpr std::string_view kTitle = "MOSS";
  static constexpr RewardDomain kDomain = RewardDomain::any;
  static constexpr bool kRandom = false;
  static constexpr std::size_t kCached = 3;
  static constexpr double first_mean(const Config& config) noexcept { return config.optimistic_mean; }
};

using Moss = IndexPolicy<MossRule>;
extern template class IndexPolicy<MossRule>;

}  // namespace attune
