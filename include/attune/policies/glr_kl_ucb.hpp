// SPDX-License-Identifier: Apache-2.0
/// @file
/// GlrKlUcb: KL-UCB that notices when an arm has changed, and begins anew.
#pragma once

#include <attune/policies/index_policy.hpp>
#include <attune/policies/restart_means.hpp>

namespace attune {

/// Options of GlrKlUcb.
struct GlrKlUcbConfig {
  double delta = 0.001;
  double exploration = 0.05;
  std::uint32_t points = 32;
  bool local = false;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("delta", self.delta, Bounds{1e-12, 0.5}, "false alarms of a test: an arm's chance of one, about");
    visit("exploration", self.exploration, Bounds{0, 1}, "share of the pulls that goes to all arms alike");
    visit("points", self.points, Bounds{4, 1024},
          "blocks of an arm's rewards, between which changes are sought");
    visit("local", self.local, Bounds{0, 1}, "only the arm that has changed begins anew, not all");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const GlrKlUcbConfig&) const = default;
};

/// index(a) = max { q in [mean(a), 1] : n(a) kl(mean(a), q) <= ln t } of the rewards since the last restart;
/// 2 while n(a) < exploration t / K, so that a change of an arm that is not played is noticed. After each
/// reward of an arm its rewards are tested for a change, by the generalised likelihood ratio (RestartMeans):
/// if there was one, all arms begin anew, or that arm alone.
///
/// Source: Besson, Kaufmann, Maillard, Seznec (2022), "Efficient Change-Point Detection for Tackling
/// Piecewise-Stationary Bandits", JMLR 23, algorithm 1; its Corollary 6: with delta of the order of 1 /
/// sqrt(T) and exploration of that of sqrt(ln(T) / T) the regret is of the order of sqrt(T ln T) for few
/// changes, without knowing how many. Differences: the level of the test is the leading term of theirs; it is
/// tried at a bounded number of places, as they do for speed; rewards belong to their decisions, however late
/// they come; exploration by counts instead of by turns.
///
/// Rewards: in [0, 1]; others are refused. Cost: select O(arms), update O(points). Memory: 24 bytes a point
/// of an arm besides. Limits: the context is checked but not used; a change that is smaller than what the
/// test resolves, or that creeps, goes unnoticed: `ucb_discounted`.
struct GlrKlUcbRule {
  using Config = GlrKlUcbConfig;
  using Means = RestartMeans;
  static Means means(const Config& config, const Shape& shape) {
    return {shape, config.points, config.delta, config.local};
  }
  static constexpr std::string_view kName = "glr_kl_ucb";
  static constexpr std::string_view kTitle = "GLR-klUCB";
  static constexpr bool kRandom = false;
  static constexpr std::size_t kCached = 0;
};

using GlrKlUcb = IndexPolicy<GlrKlUcbRule>;
extern template class IndexPolicy<GlrKlUcbRule>;

}  // namespace attune
