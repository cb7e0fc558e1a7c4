// SPDX-License-Identifier: Apache-2.0
/// @file
/// Exp3S: Exp3 that keeps up with a best arm that changes.
#pragma once

#include <attune/policies/share_policy.hpp>

namespace attune {

/// Options of Exp3S.
struct Exp3SConfig {
  double gamma = 0.05;
  double alpha = 1e-3;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("gamma", self.gamma, Bounds{1e-6, 1}, "part of the choices that is uniform, and the learning rate");
    visit("alpha", self.alpha, Bounds{0, 1},
          "part of all weight that every arm is given a share of, at each reward");
  }
  bool operator==(const Exp3SConfig&) const = default;
};

/// p(a) = (1 - gamma) w(a) / W + gamma / K, W the sum of the weights w. A reward r multiplies the weight of
/// its arm by exp(gamma r / (q K)), and every weight grows by (e alpha / K) W.
///
/// Source: Auer, Cesa-Bianchi, Freund, Schapire (2002), "The Nonstochastic Multiarmed Bandit Problem", SIAM
/// Journal on Computing 32, section 8, Figure 5. Corollary 8.3: with alpha = 1 / T and gamma = min(1, sqrt(K
/// (S ln(K T) + e) / ((e - 1) T))) the expected regret against any sequence of arms that changes S times is
/// of the order of sqrt(S T K ln(K T)). The defaults suit some ten arms and a change every few thousand
/// rewards. Differences: those of SharePolicy; the score is -ln w.
struct Exp3SRule {
  using Config = Exp3SConfig;
  static constexpr std::string_view kName = "exp3_s";
  static constexpr std::string_view kTitle = "Exp3.S";
  static constexpr bool kMixes = true;
};

using Exp3S = SharePolicy<Exp3SRule>;
extern template class SharePolicy<Exp3SRule>;

}  // namespace attune
