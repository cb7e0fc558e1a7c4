// SPDX-License-Identifier: Apache-2.0
/// @file
/// BoltzmannGumbel: softmax exploration with a temperature of its own for each arm.
#pragma once

#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of BoltzmannGumbel.
struct BoltzmannGumbelConfig {
  double scale = 0.5;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("scale", self.scale, Bounds{0, 1e9}, "C, in units of reward: about the deviation of the rewards");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const BoltzmannGumbelConfig&) const = default;
};

/// Takes the arm with the largest mean(a) + scale * Z(a) / sqrt(n(a)), Z standard Gumbel variates drawn anew
/// each time; untried arms first. One temperature for all arms would be softmax.
///
/// Source: Cesa-Bianchi, Gentile, Lugosi, Neu (2017), "Boltzmann Exploration Done Right", NIPS, algorithm 1;
/// Theorem 3: regret of the order of sqrt(K T) ln K for rewards of deviation C (sub-Gaussian), 1/2 for [0,
/// 1].
///
/// Rewards: any finite number. Limits: the context is checked but not used; stationary rewards are assumed.
struct BoltzmannGumbelRule {
  using Config = BoltzmannGumbelConfig;
  static constexpr std::string_view kName = "boltzmann_gumbel";
  static constexpr std::string_view kTitle = "Boltzmann-Gumbel exploration";
  static constexpr bool kRandom = true;
  static constexpr std::size_t kCached = 0;
  static constexpr RewardDomain kDomain = RewardDomain::any;
  static constexpr double first_mean(const Config& /*config*/) noexcept { return 0.0; }
};

using BoltzmannGumbel = IndexPolicy<BoltzmannGumbelRule>;
extern template class IndexPolicy<BoltzmannGumbelRule>;

}  // namespace attune
