// SPDX-License-Identifier: Apache-2.0
/// @file
/// Imed: indexed minimum empirical divergence, for rewards in [0, 1].
#pragma once

#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of Imed.
struct ImedConfig {
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const ImedConfig&) const = default;
};

/// Takes the arm with the least n(a) kl(mean(a), best) + ln n(a), best being the largest mean of those that
/// may be chosen: what it would take to believe that the arm is as good as the best. index(a) is its
/// negative.
///
/// Source: Honda, Takemura (2015), "Non-Asymptotic Analysis of a New Bandit Algorithm for Semi-Bounded
/// Rewards", JMLR 16, algorithm 1, with the divergence of coins; Theorem 5 is the bound of KlUcb's kind.
/// Differences: as for Ucb1. The divergence of coins is at most that of bounded rewards of the same means, so
/// that for rewards inside (0, 1) it explores more than their Dinf would.
///
/// Rewards: in [0, 1]; others are refused. An arm whose rewards are all pending is judged at the best mean.
/// Cost: as IndexPolicy, without a logarithm in the loop over arms: the fastest of this family.
/// Limits: the context is checked but not used; stationary rewards are assumed.
struct ImedRule {
  using Config = ImedConfig;
  static constexpr std::string_view kName = "imed";
  static constexpr std::string_view kTitle = "IMED";
  static constexpr RewardDomain kDomain = RewardDomain::unit;
  static constexpr bool kRandom = false;
  static constexpr std::size_t kCached = 4;
  static constexpr double first_mean(const Config& /*config*/) noexcept { return 1.0; }
};

using Imed = IndexPolicy<ImedRule>;
extern template class IndexPolicy<ImedRule>;

}  // namespace attune
