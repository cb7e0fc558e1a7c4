// SPDX-License-Identifier: Apache-2.0
/// @file
/// ThompsonWindow: Thompson sampling over the last decisions.
#pragma once

#include <attune/policies/fading_means.hpp>
#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of ThompsonWindow.
struct ThompsonWindowConfig {
  double alpha = 1.0;
  double beta = 1.0;
  std::uint32_t window = 1000;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("alpha", self.alpha, Bounds{1e-3, 1e9}, "prior successes of each arm");
    visit("beta", self.beta, Bounds{1e-3, 1e9}, "prior failures of each arm");
    visit("window", self.window, Bounds{2, 10'000'000}, "decisions that are remembered");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const ThompsonWindowConfig&) const = default;
};

/// draw(a) ~ Beta(alpha + S(a), beta + F(a)) of the rewards of the last `window` decisions.
///
/// Source: Trovo, Paladino, Restelli, Gatti (2020), "Sliding-Window Thompson Sampling for Non-Stationary
/// Settings", Journal of Artificial Intelligence Research 68, algorithm 1; with a window of the order of
/// sqrt(T) and few changes the regret is of the order of sqrt(T) but for logarithms (their Theorem 2).
/// Difference: a reward belongs to the window by its decision, however late it comes.
///
/// Rewards: in [0, 1]; others are refused. Cost: select O(arms), one Beta variate an arm; update O(1) on
/// average. Memory: 32 bytes a decision of the window besides. Limits: the context is checked but not used.
struct ThompsonWindowRule {
  using Config = ThompsonWindowConfig;
  using Means = WindowMeans;
  static Means means(const Config& config, const Shape& shape) {
    return {shape, config.window, config.alpha / (config.alpha + config.beta)};
  }
  static constexpr std::string_view kName = "thompson_window";
  static constexpr std::string_view kTitle = "Sliding-window Thompson sampling (Beta)";
  static constexpr bool kRandom = true;
  static constexpr std::size_t kCached = 0;
};

using ThompsonWindow = IndexPolicy<ThompsonWindowRule>;
extern template class IndexPolicy<ThompsonWindowRule>;

}  // namespace attune
