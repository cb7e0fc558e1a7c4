// SPDX-License-Identifier: Apache-2.0
/// @file
/// TsallisInf: as good as any against an adversary, and nearly so where arms stay as they are.
#pragma once

#include <attune/policies/share_policy.hpp>

namespace attune {

/// Options of TsallisInf.
struct TsallisInfConfig {
  double rate = 2.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("rate", self.rate, Bounds{1e-6, 1e3}, "factor of the learning rate; 2 is the proof's");
  }
  bool operator==(const TsallisInfConfig&) const = default;
};

/// p(a) = 4 / (rate_t (L(a) - x))^2 with the x below all L(a) that makes them add up to 1; L(a) is the sum of
/// (1 - r) / q over arm a's rewards, rate_t = rate / sqrt(t).
///
/// Source: Zimmert, Seldin (2021), "Tsallis-INF: An Optimal Algorithm for Stochastic and Adversarial
/// Bandits", JMLR 22, algorithm 1 with importance weighting, alpha = 1/2; Theorem 1: expected regret at most
/// 4 sqrt(K T) + 1 against an adversary, and of the order of the sum of ln(T) / gap where arms have means.
/// Differences: those of SharePolicy. x is found by Newton's method, which comes to it from one side.
struct TsallisInfRule {
  using Config = TsallisInfConfig;
  static constexpr std::string_view kName = "tsallis_inf";
  static constexpr std::string_view kTitle = "Tsallis-INF";
  static constexpr bool kMixes = false;
};

using TsallisInf = SharePolicy<TsallisInfRule>;
extern template class SharePolicy<TsallisInfRule>;

}  // namespace attune
