// SPDX-License-Identifier: Apache-2.0
/// @file
/// UcbDiscounted: UCB in which old rewards fade; for arms that change.
#pragma once

#include <attune/policies/fading_means.hpp>
#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of UcbDiscounted.
struct UcbDiscountedConfig {
  double discount = 0.995;
  double xi = 0.6;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("discount", self.discount, Bounds{0.5, 1}, "what a reward weighs after each further decision");
    visit("xi", self.xi, Bounds{0, 1e3}, "exploration: factor of ln t; the proof needs more than 1/2");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const UcbDiscountedConfig&) const = default;
};

/// index(a) = mean(a) + 2 sqrt( xi ln t / n(a) ), where a reward weighs discount^k, k decisions having been
/// made since its own; mean and n are of those weights, n with pending pulls, t the sum of n.
///
/// Source: Garivier, Moulines (2011), "On Upper-Confidence Bound Policies for Switching Bandit Problems",
/// ALT, section 2; Theorem 1: with discount = 1 - sqrt(changes / T) / 4 a bad arm is played at most of the
/// order of sqrt(T changes) ln T times. Difference: the age of a reward is that of its decision, however late
/// it comes; rewards that are pending count in full.
///
/// Rewards: in [0, 1]; others are refused. Cost: select O(arms), update O(arms). Limits: the context is
/// checked but not used.
struct UcbDiscountedRule {
  using Config = UcbDiscountedConfig;
  using Means = FadingMeans;
  static Means means(const Config& config, const Shape& shape) { return {shape, config.discount, 1.0}; }
  static constexpr std::string_view kName = "ucb_discounted";
  static constexpr std::string_view kTitle = "Discounted UCB";
  static constexpr bool kRandom = false;
  static constexpr std::size_t kCached = 0;
  static constexpr double kSquaredWidth = 4.0;  // of the bound, in sqrt(xi ln t / n)
};

using UcbDiscounted = IndexPolicy<UcbDiscountedRule>;
extern template class IndexPolicy<UcbDiscountedRule>;

}  // namespace attune
