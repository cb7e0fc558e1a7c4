// SPDX-License-Identifier: Apache-2.0
/// @file
/// DoubleThompson: both arms of a pair by Thompson sampling, for Copeland winners.
#pragma once

#include <attune/policies/duel_policy.hpp>
#include <attune/policies/duel_table.hpp>

namespace attune {

/// Options of DoubleThompson; 0.51 is what its authors use.
struct DoubleThompsonConfig {
  double alpha = 0.51;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("alpha", self.alpha, Bounds{0, 1e3}, "factor of ln t / n in the bounds that rule arms out");
  }
  bool operator==(const DoubleThompsonConfig&) const = default;
};

/// u and l: share of wins + and - sqrt(alpha ln t / n), 1 and 0 where two were never compared. First, of the
/// arms that may beat most others (u > 1/2), the one that beats most in a draw of all preferences p(i, j) ~
/// Beta(wins of i + 1, wins of j + 1); second, of the arms that are not sure to beat it (l <= 1/2), the one
/// of the largest new draw against it, 1/2 for itself.
///
/// Source: Wu, Liu (2016), "Double Thompson Sampling for Dueling Bandits", NeurIPS, algorithm 1 (D-TS): O(K^2
/// log T) Copeland regret, without a Condorcet winner too.
///
/// Propensities: NaN; 1 where one arm may be chosen. Cost: select a Beta variate a pair, update O(1).
struct DoubleThompsonRule {
  using Config = DoubleThompsonConfig;
  using Model = DuelTable;
  static constexpr std::string_view kName = "double_thompson";
  static constexpr std::string_view kTitle = "double Thompson sampling";
  static Model model(const Config& /*config*/, std::size_t arms) { return Model(arms); }
};

using DoubleThompson = DuelPolicy<DoubleThompsonRule>;
extern template class DuelPolicy<DoubleThompsonRule>;

}  // namespace attune
