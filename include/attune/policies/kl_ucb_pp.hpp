// SPDX-License-Identifier: Apache-2.0
/// @file
/// KlUcbPp: KL-UCB++, KL-UCB that wastes little on many arms.
#pragma once

#include <attune/policies/horizon_rule.hpp>

namespace attune {

using KlUcbPpConfig = HorizonConfig;

/// index(a) = max { q in [mean(a), 1] : n(a) kl(mean(a), q) <= g(T / (K n(a))) },
///
/// g(x) = ln+( x (1 + ln+(x)^2) ), ln+ x = max(ln x, 0), K the number of arms that may be chosen and T the
/// horizon, or t where there is none.
///
/// Source: Menard, Garivier (2017), "A minimax and asymptotically optimal algorithm for stochastic bandits",
/// ALT, section 3: for coins of known horizon optimal in the sense of Lai and Robbins and, up to a constant,
/// in the worst case, sqrt(KT). With t for T: Garivier, Hadiji, Menard, Stoltz (2022), "KL-UCB-switch:
/// optimal regret bounds for stochastic bandits from both a distribution-dependent and a distribution-free
/// viewpoints", JMLR 23, section 2.2, less its switch to MOSS. Differences: as for Ucb1.
///
/// Rewards, cost and limits: as for KlUcb. After the horizon it goes on with t.
struct KlUcbPpRule : HorizonRule {
  static constexpr std::string_view kName = "kl_ucb_pp";
  static constexpr std::string_view kTitle = "KL-UCB++";
};

using KlUcbPp = IndexPolicy<KlUcbPpRule>;
extern template class IndexPolicy<KlUcbPpRule>;

}  // namespace attune
