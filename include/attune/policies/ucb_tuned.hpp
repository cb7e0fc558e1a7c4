// SPDX-License-Identifier: Apache-2.0
/// @file
/// UcbTuned: UCB1 whose bonus follows the variance of each arm's rewards.
#pragma once

#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of UcbTuned, with the published defaults.
struct UcbTunedConfig {
  double reward_range = 1.0;
  double optimistic_mean = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("reward_range", self.reward_range, Bounds{1e-9, 1e9},
          "largest minus smallest possible reward; the published formula is for 1");
    visit("optimistic_mean", self.optimistic_mean, Bounds{-1e12, 1e12},
          "mean assumed for an arm whose rewards are all pending: the top of the reward range");
  }
  bool operator==(const UcbTunedConfig&) const = default;
};

/// Chooses the arm with the largest
///
///     index(a) = mean(a) + R * sqrt( ln t / n(a) * min(1/4, V(a)) ),   index(a) = +inf while n(a) = 0,
///     V(a) = variance(a) / R^2 + sqrt(2 ln t / n(a)),
///
/// where variance(a) is that of arm a's rewards (divided by their weight, not their weight less one), R the
/// reward range, and n, t, mean, pending pulls and ties are as for Ucb1. 1/4 is the largest variance that
/// rewards in [0, 1] can have.
///
/// Source: Auer, Cesa-Bianchi, Fischer (2002), "Finite-time Analysis of the Multiarmed Bandit Problem",
/// Machine Learning 47, 235-256, section 4. They measure it to be clearly better than UCB1, and prove nothing
/// for it. Differences: as for Ucb1; R is an option.
///
/// Rewards: any finite number; meant for an interval of length R.
/// Cost: select O(arms) time with two square roots an arm, update and note_pull O(1); none allocates.
/// Memory: 45 bytes an arm.
/// Limits: the context is checked but not used; stationary rewards are assumed; no regret bound.
struct UcbTunedRule {
  using Config = UcbTunedConfig;
  static constexpr std::string_view kName = "ucb_tuned";
  static constexpr std::string_view kTitle = "UCB-tuned";
  static constexpr RewardDomain kDomain = RewardDomain::any;
  static constexpr bool kRandom = false;
  static constexpr std::size_t kCached = 2;
  static constexpr double first_mean(const Config& config) noexcept { return config.optimistic_mean; }
};

using UcbTuned = IndexPolicy<UcbTunedRule>;
extern template class IndexPolicy<UcbTunedRule>;

}  // namespace attune
