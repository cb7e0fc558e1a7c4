// SPDX-License-Identifier: Apache-2.0
/// @file
/// TopKThompson: the k arms of the largest draws: multiple-play Thompson sampling, and its cascade.
#pragma once

#include <attune/policies/top_k_means.hpp>
#include <attune/policies/top_k_policy.hpp>

namespace attune {

/// Options of TopKThompson: the uniform prior.
struct TopKThompsonConfig {
  double alpha = 1.0;
  double beta = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("alpha", self.alpha, Bounds{1e-3, 1e9}, "prior successes of each arm");
    visit("beta", self.beta, Bounds{1e-3, 1e9}, "prior failures of each arm");
  }
  bool operator==(const TopKThompsonConfig&) const = default;
};

/// score(a) ~ Beta(alpha + n(a) mean(a), beta + n(a) (1 - mean(a))), drawn anew for each slate;
///
/// n(a): weight of the arm's rewards.
///
/// Source: items: Komiyama, Honda, Nakagawa (2015), "Optimal Regret Analysis of Thompson Sampling in
/// Stochastic Multi-armed Bandit Problem with Multiple Plays", ICML, algorithm 1 (MP-TS): its regret reaches
/// the lower bound. First clicks: Zhong, Chueng, Tan (2021), "Thompson Sampling Algorithms for Cascading
/// Bandits", JMLR 22, algorithm 1 (CTS). Differences: rewards inside (0, 1) are added in parts, as for
/// ThompsonBeta.
///
/// Rewards: in [0, 1]; others are refused. Late rewards do no harm: lists stay random. Memory: 29 bytes an
/// arm.
struct TopKThompsonRule : TopKMeans {
  using Config = TopKThompsonConfig;
  static constexpr std::string_view kName = "top_k_thompson";
  static constexpr std::string_view kTitle = "top-k Thompson sampling";
  static constexpr bool kRandom = true;
};

using TopKThompson = TopKPolicy<TopKThompsonRule>;
extern template class TopKPolicy<TopKThompsonRule>;

}  // namespace attune
