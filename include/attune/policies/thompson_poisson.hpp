// SPDX-License-Identifier: Apache-2.0
/// @file
/// ThompsonPoisson: Thompson sampling for counts.
#pragma once

#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of ThompsonPoisson.
struct ThompsonPoissonConfig {
  double shape = 1.0;
  double rate = 1.0;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("shape", self.shape, Bounds{1e-3, 1e9}, "of the Gamma prior: events expected in `rate` pulls");
    visit("rate", self.rate, Bounds{1e-9, 1e9}, "of the Gamma prior: pulls that it is worth");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const ThompsonPoissonConfig&) const = default;
};

/// draw(a) ~ Gamma(shape + S(a)) / (rate + n(a)), the posterior of the mean of a Poisson variable; S(a) is
/// the sum of arm a's rewards and n(a) their weight.
///
/// Source: the policy for one-parameter exponential families, of which this is one: Korda, Kaufmann, Munos
/// (2013), "Thompson Sampling for 1-Dimensional Exponential Family Bandits", NIPS, Theorem 1 (optimal in the
/// sense of Lai and Robbins, with Jeffreys's prior: shape 1/2, rate towards 0).
///
/// Rewards: counts, or any numbers from 0 on whose variance is about their mean; below 0 they are refused.
/// Limits: the context is checked but not used; stationary rewards are assumed.
struct ThompsonPoissonRule {
  using Config = ThompsonPoissonConfig;
  static constexpr std::string_view kName = "thompson_poisson";
  static constexpr std::string_view kTitle = "Thompson sampling (Poisson)";
  static constexpr bool kRandom = true;
  static constexpr std::size_t kCached = 0;
  static constexpr RewardDomain kDomain = RewardDomain::not_negative;
  static constexpr double first_mean(const Config& config) noexcept { return config.shape / config.rate; }
};

using ThompsonPoisson = IndexPolicy<ThompsonPoissonRule>;
extern template class IndexPolicy<ThompsonPoissonRule>;

}  // namespace attune
