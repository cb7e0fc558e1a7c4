// SPDX-License-Identifier: Apache-2.0
/// @file
/// UcbV: the upper confidence bound with each arm's variance in it, and a proof.
#pragma once

#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of UcbV, with the values of its Theorem 4.
struct UcbVConfig {
  double zeta = 1.2;
  double c = 1.0;
  double reward_range = 1.0;
  double optimistic_mean = 1.0;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("zeta", self.zeta, Bounds{0, 1e3},
          "factor of ln t in the exploration; the proof needs more than 1");
    visit("c", self.c, Bounds{0, 1e3}, "factor of the range's term; less than 1 is usual, and not proved");
    visit("reward_range", self.reward_range, Bounds{1e-9, 1e9}, "largest minus smallest possible reward");
    visit("optimistic_mean", self.optimistic_mean, Bounds{-1e12, 1e12},
          "mean assumed for an arm whose rewards are all pending: the top of the reward range");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const UcbVConfig&) const = default;
};

/// index(a) = mean(a) + sqrt( 2 variance(a) zeta ln t / n(a) ) + 3 c R zeta ln t / n(a),
///
/// where variance(a) is that of arm a's rewards (divided by their weight) and R the reward range.
///
/// Source: Audibert, Munos, Szepesvari (2009), "Exploration-exploitation tradeoff using variance estimates in
/// multi-armed bandits", Theoretical Computer Science 410, section 3; Theorem 4: regret at most 10 ln T times
/// the sum of variance / gap + 2 R. Differences: as for Ucb1; the variance of an arm whose rewards are all
/// pending is taken for its largest, R^2 / 4.
///
/// Rewards: any finite number; meant for an interval of length R. Limits: the context is checked but not
/// used; stationary rewards are assumed; explores much until n(a) passes ln t: better for long runs with
/// quiet arms.
struct UcbVRule {
  using Config = UcbVConfig;
  static constexpr std::string_view kName = "ucb_v";
  static constexpr std::string_view kTitle = "UCB-V";
  static constexpr RewardDomain kDomain = RewardDomain::any;
  static constexpr bool kRandom = false;
  static constexpr std::size_t kCached = 3;
  static constexpr double first_mean(const Config& config) noexcept { return config.optimistic_mean; }
};

using UcbV = IndexPolicy<UcbVRule>;
extern template class IndexPolicy<UcbVRule>;

}  // namespace attune
