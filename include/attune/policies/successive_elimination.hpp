// SPDX-License-Identifier: Apache-2.0
/// @file
/// SuccessiveElimination: arms in turn, less those that cannot be the best.
#pragma once

#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of SuccessiveElimination.
struct SuccessiveEliminationConfig {
  double delta = 0.05;
  double reward_range = 1.0;
  double optimistic_mean = 1.0;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("delta", self.delta, Bounds{1e-12, 1}, "probability with which the best arm may be lost");
    visit("reward_range", self.reward_range, Bounds{1e-9, 1e9}, "largest minus smallest possible reward");
    visit("optimistic_mean", self.optimistic_mean, Bounds{-1e12, 1e12},
          "mean assumed for an arm whose rewards are all pending: the top of the reward range");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const SuccessiveEliminationConfig&) const = default;
};

/// Takes, of the arms that may still be the best, the one with the least n(a). Out is an arm with
///
///     mean(a) + w(n(a)) < max over b of mean(b) - w(n(b)),   w(n) = R sqrt( ln(pi^2 K n^2 / (3 delta)) / (2
///     n) ),
///
/// R the reward range: by Hoeffding's bound and a sum over all n every mean lies within w of its own with
/// probability 1 - delta at all times. index(a) is -n(a), -infinity for an arm that is out.
///
/// Source: Even-Dar, Mannor, Mansour (2006), "Action Elimination and Stopping Conditions for the Multi-Armed
/// Bandit and Reinforcement Learning Problems", JMLR 7, algorithm 3 and Theorem 8. Difference: who is out is
/// worked out anew each time, so that arms may be added, and an arm comes back when the others turn out
/// worse.
///
/// Rewards: any finite number; meant for an interval of length R. Limits: the context is checked but not
/// used; stationary rewards are assumed; made to find the best arm with confidence, it explores more than
/// `kl_moss`.
struct SuccessiveEliminationRule {
  using Config = SuccessiveEliminationConfig;
  static constexpr std::string_view kName = "successive_elimination";
  static constexpr std::string_view kTitle = "Successive elimination";
  static constexpr bool kRandom = false;
  static constexpr std::size_t kCached = 0;
  static constexpr RewardDomain kDomain = RewardDomain::any;
  static constexpr double first_mean(const Config& config) noexcept { return config.optimistic_mean; }
};

using SuccessiveElimination = IndexPolicy<SuccessiveEliminationRule>;
extern template class IndexPolicy<SuccessiveEliminationRule>;

}  // namespace attune
