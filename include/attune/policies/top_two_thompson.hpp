// SPDX-License-Identifier: Apache-2.0
/// @file
/// TopTwoThompson: Thompson sampling that is made to find the best arm, not to earn while it learns.
#pragma once

#include <array>
#include <string_view>

#include <attune/policies/index_policy.hpp>

namespace attune {

/// What is believed of the rewards of an arm.
enum class ArmModel : std::uint8_t {
  bernoulli,  ///< in [0, 1]; Beta posterior
  gaussian,   ///< any; normal of known deviation, flat prior
};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<ArmModel>{"bernoulli", "gaussian"};

/// Options of TopTwoThompson.
struct TopTwoThompsonConfig {
  double beta = 0.5;
  ArmModel model = ArmModel::bernoulli;
  double deviation = 0.5;
  std::uint32_t min_trials = 1;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("beta", self.beta, Bounds{0, 1}, "share of the pulls that the arm drawn as the best gets");
    visit("model", self.model, Bounds{}, "what is believed of the rewards of an arm");
    visit("deviation", self.deviation, Bounds{1e-9, 1e9}, "of a reward, in its units; of the gaussian model");
    visit("min_trials", self.min_trials, Bounds{1, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const TopTwoThompsonConfig&) const = default;
};

/// Draws a mean from each arm's posterior. With probability `beta` the arm with the largest draw is taken;
/// else means are drawn anew until another arm has the largest one, and that is taken.
///
///     bernoulli:  draw(a) ~ Beta(1 + S(a), 1 + F(a))
///     gaussian:   draw(a) ~ Normal(mean(a), deviation^2 / n(a))
///
/// When 16 draws give the same arm, the other is the one that costs least to be taken for the best: the
/// smallest W(best, a) = n(best) d(mean(best), m) + n(a) d(mean(a), m), d the divergence of the model and m
/// the two arms' common mean; that is the limit of drawing on.
///
/// Source: Russo (2016), "Simple Bayesian Algorithms for Best Arm Identification", COLT, section 3.3; its
/// Theorem 1: with the best `beta` the posterior probability of a wrong answer falls as fast as that of any
/// rule, with 1/2 at least half as fast. The cost W: Jourdan, Degenne, Baudry, de Heide, Kaufmann (2022),
/// "Top Two Algorithms Revisited", NeurIPS. Difference: draws are bounded, as above.
///
/// Rewards: those of the model; others are refused. `score` of a choice: its draw, or its mean where draws
/// ran out. `propensity`: NaN, computed later; 1 where a single arm could be chosen. Cost: select O(arms), 1
/// to 17 variates an arm. Limits: the context is checked but not used; half of all pulls are not of the best
/// arm, for ever: for an experiment that ends with an answer.
struct TopTwoThompsonRule {
  using Config = TopTwoThompsonConfig;
  static constexpr std::string_view kName = "top_two_thompson";
  static constexpr std::string_view kTitle = "Top-two Thompson sampling";
  static constexpr bool kRandom = true;
  static constexpr bool kOwnChoice = true;
  static constexpr std::size_t kCached = 0;
  static constexpr RewardDomain domain(const Config& config) noexcept {
    return config.model == ArmModel::bernoulli ? RewardDomain::unit : RewardDomain::any;
  }
  static constexpr double first_mean(const Config& /*config*/) noexcept { return 0.5; }
};

using TopTwoThompson = IndexPolicy<TopTwoThompsonRule>;
extern template class IndexPolicy<TopTwoThompsonRule>;

}  // namespace attune
