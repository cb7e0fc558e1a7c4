// SPDX-License-Identifier: Apache-2.0
/// @file
/// Exp3Ix: Exp3 whose regret is small with high probability, not only on average.
#pragma once

#include <attune/policies/share_policy.hpp>

namespace attune {

/// Options of Exp3Ix.
struct Exp3IxConfig {
  double rate = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("rate", self.rate, Bounds{1e-6, 1e3}, "factor of the learning rate; 1 is the proof's");
  }
  bool operator==(const Exp3IxConfig&) const = default;
};

/// As Exp3, with implicit exploration: L(a) sums (1 - r) / (q + rate_t / 2), and rate_t = rate * sqrt(2 ln K
/// / (K t)).
///
/// Source: Neu (2015), "Explore no more: Improved high-probability regret bounds for non-stochastic bandits",
/// NIPS, Theorem 1 and the rates without horizon that follow it: regret of the order of sqrt(T K ln K) with
/// high probability. Differences: those of SharePolicy.
struct Exp3IxRule {
  using Config = Exp3IxConfig;
  static constexpr std::string_view kName = "exp3_ix";
  static constexpr std::string_view kTitle = "Exp3-IX";
  static constexpr bool kMixes = false;
};

using Exp3Ix = SharePolicy<Exp3IxRule>;
extern template class SharePolicy<Exp3IxRule>;

}  // namespace attune
