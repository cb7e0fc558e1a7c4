// SPDX-License-Identifier: Apache-2.0
/// @file
/// Exp3: exponential weights for rewards that an adversary may choose.
#pragma once

#include <attune/policies/share_policy.hpp>

namespace attune {

/// Options of Exp3.
struct Exp3Config {
  double rate = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("rate", self.rate, Bounds{1e-6, 1e3}, "factor of the learning rate; 1 is the proof's");
  }
  bool operator==(const Exp3Config&) const = default;
};

/// p(a) proportional to exp(-rate_t L(a)), L(a) the sum of (1 - r) / q over arm a's rewards and rate_t = rate
/// * sqrt(ln K / (K t)), K arms, t rewards learned so far (at least 1).
///
/// Source: Auer, Cesa-Bianchi, Freund, Schapire (2002), "The Nonstochastic Multiarmed Bandit Problem", SIAM
/// Journal on Computing 32, in the form with losses of Bubeck, Cesa-Bianchi (2012), "Regret Analysis of
/// Stochastic and Nonstochastic Multi-armed Bandit Problems", Figure 3.1 and Theorem 3.1: expected regret at
/// most 2 sqrt(T K ln K) without knowing T, whatever the rewards do. Differences: those of SharePolicy.
struct Exp3Rule {
  using Config = Exp3Config;
  static constexpr std::string_view kName = "exp3";
  static constexpr std::string_view kTitle = "Exp3";
  static constexpr bool kMixes = false;
};

using Exp3 = SharePolicy<Exp3Rule>;
extern template class SharePolicy<Exp3Rule>;

}  // namespace attune
