// SPDX-License-Identifier: Apache-2.0
/// @file
/// BradleyTerry: ratings as in chess, and Thompson sampling of both arms from them.
#pragma once

#include <attune/policies/duel_policy.hpp>
#include <attune/policies/duel_ratings.hpp>

namespace attune {

/// Options of BradleyTerry.
struct BradleyTerryConfig {
  double deviation = 1.5;
  double scale = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("deviation", self.deviation, Bounds{1e-3, 1e3},
          "of ratings before the first comparison; 1.5 is 260 Elo points");
    visit("scale", self.scale, Bounds{0, 1e3}, "factor on deviations when drawing; 0 explores nothing");
  }
  bool operator==(const BradleyTerryConfig&) const = default;
};

/// Draws a rating for each arm from N(mean, scale^2 variance) and takes the largest; draws all again for the
/// second arm. The two may be the same: the policy is then sure enough, and nothing is asked. Ratings:
/// DuelRatings.
///
/// Source: ratings: Glickman (1999); two independent draws: Sui, Zhuang, Burdick, Yue (2017), "Multi-dueling
/// Bandits with Dependent Arms", UAI, algorithm 2 (Self-Sparring), whose independent Betas are here ratings
/// that learn from each opponent's strength.
///
/// Propensities: NaN; 1 where one arm may be chosen. Cost: select two normal variates an arm, update O(1).
/// Limits: preferences that go in circles have no ratings.
struct BradleyTerryRule {
  using Config = BradleyTerryConfig;
  using Model = DuelRatings;
  static constexpr std::string_view kName = "bradley_terry";
  static constexpr std::string_view kTitle = "Bradley-Terry ratings";
  static Model model(const Config& config, std::size_t arms) { return {arms, config.deviation}; }
};

using BradleyTerry = DuelPolicy<BradleyTerryRule>;
extern template class DuelPolicy<BradleyTerryRule>;

}  // namespace attune
