// SPDX-License-Identifier: Apache-2.0
/// @file
/// TopKKlUcb: the k arms of the largest Kullback-Leibler bounds: CascadeKL-UCB, and the same for item
/// rewards.
#pragma once

#include <attune/policies/top_k_means.hpp>
#include <attune/policies/top_k_policy.hpp>

namespace attune {

/// Options of TopKKlUcb; c = 0 is what works best, 3 what the proof needs.
struct TopKKlUcbConfig {
  double c = 0.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("c", self.c, Bounds{0, 1e3}, "factor of ln ln t in the exploration level");
  }
  bool operator==(const TopKKlUcbConfig&) const = default;
};

/// score(a) = max { q in [mean(a), 1] : n(a) kl(mean(a), q) <= ln t + c ln ln t }, +infinity before the first
/// reward;
///
/// n(a): weight of the arm's rewards, t: slates learned, kl as in KlUcb.
///
/// Source: first clicks: Kveton, Szepesvari, Wen, Ashkan (2015), "Cascading Bandits: Learning to Rank in the
/// Cascade Model", ICML, algorithm 1 with CascadeKL-UCB (c = 3 there; Theorem 3 bounds its regret, Theorem 4
/// says that no policy does much better where k is small). Items: the index of Garivier, Cappe (2011) in the
/// frame of Chen, Wang, Yuan (2013). Differences: as for TopKUcb.
///
/// Rewards: in [0, 1]; others are refused. Memory: 29 bytes an arm.
struct TopKKlUcbRule : TopKMeans {
  using Config = TopKKlUcbConfig;
  static constexpr std::string_view kName = "top_k_kl_ucb";
  static constexpr std::string_view kTitle = "top-k KL-UCB";
  static constexpr bool kRandom = false;
};

using TopKKlUcb = TopKPolicy<TopKKlUcbRule>;
extern template class TopKPolicy<TopKKlUcbRule>;

}  // namespace attune
