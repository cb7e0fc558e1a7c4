// SPDX-License-Identifier: Apache-2.0
/// @file
/// KlMoss: the default for rewards in [0, 1]; KL-UCB that explores no more than it must.
#pragma once

#include <attune/policies/horizon_rule.hpp>

namespace attune {

using KlMossConfig = HorizonConfig;

/// index(a) = max { q in [mean(a), 1] : n(a) kl(mean(a), q) <= ln+( T / (K n(a)) ) },
///
/// ln+ x = max(ln x, 0), K the number of arms that may be chosen and T the horizon, or t where there is none:
/// the exploration of MOSS with the divergence of KL-UCB. The default policy for rewards in [0, 1] without
/// context: see docs/regret.md for what it is measured against.
///
/// Source: Garivier, Hadiji, Menard, Stoltz (2022), "KL-UCB-switch: optimal regret bounds for stochastic
/// bandits from both a distribution-dependent and a distribution-free viewpoints", JMLR 23, section 2: this
/// is the index of their algorithm of known horizon, up to n(a) = (T / K)^(1/5), from where on theirs is that
/// of MOSS. For that they prove both optimalities. Differences: no switch, and t for T, for which there is no
/// proof here (theirs without horizon has a larger level, that of KlUcbPp); as for Ucb1.
///
/// Rewards: in [0, 1]; others are refused. An arm whose rewards are all pending is judged at mean 1.
/// Cost: as IndexPolicy; an arm that cannot win costs no logarithm.
/// Limits: the context is checked but not used; stationary rewards are assumed; it stops exploring an arm
/// that has had its share t / K of the pulls, so that an arm's bad luck may cost a run more than with KlUcb,
/// which costs more in nearly every run.
struct KlMossRule : HorizonRule {
  static constexpr std::string_view kName = "kl_moss";
  static constexpr std::string_view kTitle = "KL-MOSS";
};

using KlMoss = IndexPolicy<KlMossRule>;
extern template class IndexPolicy<KlMossRule>;

}  // namespace attune
