// SPDX-License-Identifier: Apache-2.0
/// @file
/// TopKLinUcb: the k arms of the largest upper confidence bounds on rewards that are linear in the context.
#pragma once

#include <attune/policies/linear_arms.hpp>
#include <attune/policies/top_k_policy.hpp>

namespace attune {

/// Options of TopKLinUcb.
struct TopKLinUcbConfig {
  double alpha = 1.0;
  double ridge = 1.0;
  double forgetting = 1.0;
  bool intercept = true;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("alpha", self.alpha, Bounds{0, 1e6}, "width of the confidence bound, in standard deviations");
    visit("ridge", self.ridge, Bounds{1e-9, 1e9}, "regularisation: A starts as ridge times the identity");
    visit("forgetting", self.forgetting, Bounds{0.01, 1}, "weight of an arm's past at each of its rewards");
    visit("intercept", self.intercept, Bounds{0, 1}, "append a constant 1 to the context");
  }
  bool operator==(const TopKLinUcbConfig&) const = default;
};

/// score(a) = theta_a' x + alpha sqrt(x' A_a^-1 x), theta_a and A_a as for LinUcb, one model an arm.
///
/// Source: items: Qin, Chen, Zhu (2014), "Contextual Combinatorial Bandit and its Application on Diversified
/// Online Recommendation", SDM, algorithm 1 (C2UCB). First clicks: Zong, Ni, Sung, Ke, Wen, Kveton (2016),
/// "Cascading Bandits for Large-Scale Recommendation Problems", UAI, algorithm 2 (CascadeLinUCB).
/// Differences: both share one theta among arms that are described by features; here each arm has its own
/// over the context, so arms need no description, and learn nothing from each other.
///
/// Rewards: any finite number; alpha is in units of their standard deviation. Cost and memory: as LinUcb.
/// Limits: dense contexts.
struct TopKLinUcbRule {
  using Config = TopKLinUcbConfig;
  using Model = LinearArms;
  static constexpr std::string_view kName = "top_k_lin_ucb";
  static constexpr std::string_view kTitle = "top-k LinUCB";
  static constexpr bool kRandom = false;

  [[nodiscard]] static Result<ArmIndex> add(LinearArms& linear) { return linear.add(); }
  static Errc enable(LinearArms& linear, ArmIndex arm, bool on) noexcept {
    return linear.arms().set_enabled(arm, on);
  }
  static Errc reset(LinearArms& linear, ArmIndex arm) noexcept { return linear.reset(arm); }
};

using TopKLinUcb = TopKPolicy<TopKLinUcbRule>;
extern template class TopKPolicy<TopKLinUcbRule>;

}  // namespace attune
