// SPDX-License-Identifier: Apache-2.0
/// @file
/// UcbWindow: UCB over the last decisions; for arms that change.
#pragma once

#include <attune/policies/fading_means.hpp>
#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of UcbWindow.
struct UcbWindowConfig {
  std::uint32_t window = 1000;
  double xi = 0.6;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("window", self.window, Bounds{2, 10'000'000}, "decisions that are remembered");
    visit("xi", self.xi, Bounds{0, 1e3}, "exploration: factor of ln t; the proof needs more than 1/2");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const UcbWindowConfig&) const = default;
};

/// index(a) = mean(a) + sqrt( xi ln t / n(a) ) of the rewards of the last `window` decisions; t, the sum of
/// all n(a), is at most about that many.
///
/// Source: Garivier, Moulines (2011), "On Upper-Confidence Bound Policies for Switching Bandit Problems",
/// ALT, section 2; Theorem 2: with window = 2 sqrt(T ln T / changes) a bad arm is played at most of the order
/// of sqrt(T changes ln T) times. Difference: a reward belongs to the window by its decision, however late it
/// comes.
///
/// Rewards: in [0, 1]; others are refused. Cost: select O(arms), update O(1) on average. Memory: 32 bytes a
/// decision of the window besides. Limits: the context is checked but not used.
struct UcbWindowRule {
  using Config = UcbWindowConfig;
  using Means = WindowMeans;
  static Means means(const Config& config, const Shape& shape) { return {shape, config.window, 1.0}; }
  static constexpr std::string_view kName = "ucb_window";
  static constexpr std::string_view kTitle = "Sliding-window UCB";
  static constexpr bool kRandom = false;
  static constexpr std::size_t kCached = 0;
  static constexpr double kSquaredWidth = 1.0;  // of the bound, in sqrt(xi ln t / n)
};

using UcbWindow = IndexPolicy<UcbWindowRule>;
extern template class IndexPolicy<UcbWindowRule>;

}  // namespace attune
