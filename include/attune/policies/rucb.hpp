// SPDX-License-Identifier: Apache-2.0
/// @file
/// Rucb: relative upper confidence bounds: a candidate that may beat all, and who may beat it.
#pragma once

#include <attune/policies/duel_policy.hpp>
#include <attune/policies/duel_table.hpp>

namespace attune {

/// Options of Rucb; above 1/2 is what the proof needs.
struct RucbConfig {
  double alpha = 0.51;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("alpha", self.alpha, Bounds{0, 1e3}, "factor of ln t / n under the root");
  }
  bool operator==(const RucbConfig&) const = default;
};

/// u(i, j) = share of wins of i against j + sqrt(alpha ln t / n(i, j)), 1 where never compared; u(i, i) =
/// 1/2. Of the candidates c with u(c, j) >= 1/2 for all j one is taken, with probability 1/2 the favourite
/// (the last one that was alone among the candidates, as long as it is one), else another uniformly; without
/// candidates any arm. Its opponent is the arm j with the largest u(j, c), itself where all are below 1/2.
///
/// Source: Zoghi, Whiteson, Munos, de Rijke (2014), "Relative Upper Confidence Bound for the K-Armed Dueling
/// Bandit Problem", ICML, algorithm 1. Difference: the favourite is kept up when a result is learned, not
/// when a pair is chosen, so that choosing changes nothing.
///
/// Propensities: exact. Cost: select and update O(arms^2). Limits: assumes an arm that beats each other one
/// (a Condorcet winner).
struct RucbRule {
  using Config = RucbConfig;
  using Model = DuelTable;
  static constexpr std::string_view kName = "rucb";
  static constexpr std::string_view kTitle = "RUCB";
  static Model model(const Config& /*config*/, std::size_t arms) { return Model(arms); }
};

using Rucb = DuelPolicy<RucbRule>;
extern template class DuelPolicy<RucbRule>;

}  // namespace attune
