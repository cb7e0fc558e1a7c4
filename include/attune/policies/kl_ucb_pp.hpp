// SPDX-License-Identifier: Apache-2.0
/// @file
/// KlUcbPp: KL-UCB++, KL-UCB that wastes little on many arms.
#pragma once

#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of KlUcbPp.
struct KlUcbPpConfig {
  std::uint64_t horizon = 0;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("horizon", self.horizon, Bounds{0, 1e15}, "pulls that there will be; 0: not known, those so far");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const KlUcbPpConfig&) const = default;
};

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
struct KlUcbPpRule {
  using Config = KlUcbPpConfig;
  static constexpr std::string_view kName = "kl_ucb_pp";
  static constexpr std::string_view kTitle = "KL-UCB++";
  static constexpr RewardDomain kDomain = RewardDomain::unit;
  static constexpr bool kRandom = false;
  static constexpr std::size_t kCached = 4;
  static constexpr double first_mean(const Config& /*config*/) noexcept { return 1.0; }
};

using KlUcbPp = IndexPolicy<KlUcbPpRule>;
extern template class IndexPolicy<KlUcbPpRule>;

}  // namespace attune
