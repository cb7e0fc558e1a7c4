// SPDX-License-Identifier: Apache-2.0
/// @file
/// ExploreThenCommit: each arm so many times, then the best.
#pragma once

#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of ExploreThenCommit.
struct ExploreThenCommitConfig {
  std::uint32_t min_trials = 100;
  double optimistic_mean = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("trials", self.min_trials, Bounds{1, 1'000'000}, "pulls of each arm before the best is kept to");
    visit("optimistic_mean", self.optimistic_mean, Bounds{-1e12, 1e12},
          "mean assumed for an arm whose rewards are all pending: the top of the reward range");
  }
  bool operator==(const ExploreThenCommitConfig&) const = default;
};

/// An arm with fewer than `trials` pulls is taken first, uniformly; then the one with the largest mean.
///
/// Source: Robbins (1952), "Some aspects of the sequential design of experiments"; Slivkins (2019),
/// "Introduction to Multi-Armed Bandits", section 1.2, Theorem 1.5: with trials = (T / K)^(2/3) ln(T)^(1/3)
/// the regret is of the order of T^(2/3) (K ln T)^(1/3). Difference: the means go on being learned, so that
/// an arm that turns out worse than it looked is left; theirs would be kept to.
///
/// Rewards: any finite number. Limits: the context is checked but not used; it needs to know how long it
/// runs, and all of the others do better without: a baseline, and a plain experiment.
struct ExploreThenCommitRule {
  using Config = ExploreThenCommitConfig;
  static constexpr std::string_view kName = "explore_then_commit";
  static constexpr std::string_view kTitle = "Explore-then-commit";
  static constexpr bool kRandom = false;
  static constexpr std::size_t kCached = 0;
  static constexpr RewardDomain kDomain = RewardDomain::any;
  static constexpr double first_mean(const Config& config) noexcept { return config.optimistic_mean; }
};

using ExploreThenCommit = IndexPolicy<ExploreThenCommitRule>;
extern template class IndexPolicy<ExploreThenCommitRule>;

}  // namespace attune
