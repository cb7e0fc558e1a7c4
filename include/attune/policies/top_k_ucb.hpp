// SPDX-License-Identifier: Apache-2.0
/// @file
/// TopKUcb: the k arms of the largest upper confidence bounds: CUCB, and CascadeUCB1.
#pragma once

#include <attune/policies/top_k_means.hpp>
#include <attune/policies/top_k_policy.hpp>

namespace attune {

/// Options of TopKUcb; 1.5 is what both papers prove with.
struct TopKUcbConfig {
  double exploration = 1.5;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("exploration", self.exploration, Bounds{0, 1e3}, "factor of ln t / n under the root");
  }
  bool operator==(const TopKUcbConfig&) const = default;
};

/// score(a) = mean(a) + sqrt(exploration ln t / n(a)), +infinity before the first reward;
///
/// n(a): weight of the arm's rewards, t: slates learned. Bounds above 1 are not cut: cut, they would be
/// ties.
///
/// Source: items: Chen, Wang, Yuan (2013), "Combinatorial Multi-Armed Bandit: General Framework, Results and
/// Applications", ICML, algorithm 1 (CUCB), whose oracle is here the k best. First clicks: Kveton,
/// Szepesvari, Wen, Ashkan (2015), "Cascading Bandits: Learning to Rank in the Cascade Model", ICML,
/// algorithm 1 with CascadeUCB1. Differences: untried arms come first, in random order; they show each once
/// at the start.
///
/// Rewards: in [0, 1]; others are refused. Memory: 29 bytes an arm.
struct TopKUcbRule : TopKMeans {
  using Config = TopKUcbConfig;
  static constexpr std::string_view kName = "top_k_ucb";
  static constexpr std::string_view kTitle = "top-k UCB";
  static constexpr bool kRandom = false;
};

using TopKUcb = TopKPolicy<TopKUcbRule>;
extern template class TopKPolicy<TopKUcbRule>;

}  // namespace attune
