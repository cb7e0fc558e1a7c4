// SPDX-License-Identifier: Apache-2.0
/// @file
/// KlUcb: the upper confidence bound that the Kullback-Leibler divergence gives, for rewards in [0, 1].
#pragma once

#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of KlUcb; c = 0 is what its authors recommend for use, 3 what their proof needs.
struct KlUcbConfig {
  double c = 0.0;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("c", self.c, Bounds{0, 1e3}, "factor of ln ln t in the exploration level");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const KlUcbConfig&) const = default;
};

/// index(a) = max { q in [mean(a), 1] : n(a) kl(mean(a), q) <= ln t + c ln ln t },
///
/// kl(p, q) = p ln(p / q) + (1 - p) ln((1 - p) / (1 - q)); t is taken for at least 1, ln ln t for at least 0.
///
/// Source: Garivier, Cappe (2011), "The KL-UCB Algorithm for Bounded Stochastic Bandits and Beyond", COLT,
/// algorithm 1; Theorem 1: regret at most ln T times the sum of gap / kl(mu, mu*) + lower orders, which no
/// consistent policy improves on for coins. Differences: as for Ucb1 (pending pulls, random order, weights).
///
/// Rewards: in [0, 1]; others are refused. An arm whose rewards are all pending is judged at mean 1.
/// Cost: as IndexPolicy; an arm that cannot win costs no logarithm.
/// Limits: the context is checked but not used; stationary rewards are assumed.
struct KlUcbRule {
  using Config = KlUcbConfig;
  static constexpr std::string_view kName = "kl_ucb";
  static constexpr std::string_view kTitle = "KL-UCB";
  static constexpr RewardDomain kDomain = RewardDomain::unit;
  static constexpr bool kRandom = false;
  static constexpr std::size_t kCached = 4;
  static constexpr double first_mean(const Config& /*config*/) noexcept { return 1.0; }
};

using KlUcb = IndexPolicy<KlUcbRule>;
extern template class IndexPolicy<KlUcbRule>;

}  // namespace attune
