// SPDX-License-Identifier: Apache-2.0
/// @file
/// HorizonRule: what the rules for coins share that count against the pulls there will be.
#pragma once

#include <attune/policies/index_policy.hpp>

namespace attune {

/// Options of KlMoss and KlUcbPp.
struct HorizonConfig {
  std::uint64_t horizon = 0;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("horizon", self.horizon, Bounds{0, 1e15}, "pulls that there will be; 0: not known, those so far");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const HorizonConfig&) const = default;
};

/// A rule for rewards in [0, 1] whose exploration is a function of ln( T / (K n(a)) ), K the number of arms
/// that may be chosen and T the horizon, or t where there is none or it is past.
struct HorizonRule {
  using Config = HorizonConfig;
  static constexpr RewardDomain kDomain = RewardDomain::unit;
  static constexpr bool kRandom = false;
  static constexpr std::size_t kCached = 4;
  static constexpr double first_mean(const Config& /*config*/) noexcept { return 1.0; }
};

}  // namespace attune
