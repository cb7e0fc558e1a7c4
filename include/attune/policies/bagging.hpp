// SPDX-License-Identifier: Apache-2.0
/// @file
/// Bagging: votes of regressions that each saw another resampling of the rewards.
#pragma once

#include <attune/policies/oracle_policy.hpp>

namespace attune {

/// Options of Bagging.
struct BaggingConfig {
  OracleKind oracle = OracleKind::automatic;
  Loss loss = Loss::squared;
  std::uint32_t members = 8;
  double epsilon = 0.0;
  double optimism = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("oracle", self.oracle, Bounds{}, "what predicts the rewards; see RewardOracle");
    visit("loss", self.loss, Bounds{}, "squared, or logistic for rewards in [0, 1]");
    visit("members", self.members, Bounds{1, 64}, "regressions");
    visit("epsilon", self.epsilon, Bounds{0, 1}, "share of random choices");
    visit("optimism", self.optimism, Bounds{0, 1e6},
          "deviations that a score lies above its prediction; 0: as in the paper");
  }
  bool operator==(const BaggingConfig&) const = default;
};

/// The rule of Bagging: see OraclePolicy.
struct BaggingRule {
  using Config = BaggingConfig;
  static constexpr std::string_view kName = "bagging";
  static constexpr std::string_view kTitle = "bagging";
  static constexpr OracleChoice kChoice = OracleChoice::votes;

  [[nodiscard]] static OracleSetup setup(const Config& config) noexcept {
    return {.policy = kName, .oracle = config.oracle, .loss = config.loss, .members = config.members};
  }
  [[nodiscard]] static double width(const Config& config, const OracleNumbers& known) noexcept {
    return config.optimism * known.deviation;
  }
  [[nodiscard]] static double mixed(const Config& config, const OracleNumbers& /*known*/) noexcept {
    return config.epsilon;
  }
  static double learn(const Config& config, const OracleArms& arms, RewardOracle& member, std::size_t number,
                      const OracleInput& input, const Feedback& feedback) noexcept;
};

/// Keeps several regressions; each learns every reward as often as a Poisson variate of mean 1 says, its own
/// and drawn anew for each reward. Chooses an arm with the share of the members that give it the largest
/// score.
///
/// Sources: Oza, Russell (2001), "Online Bagging and Boosting", AISTATS; Bietti, Agarwal, Langford (2021), "A
/// Contextual Bandit Bake-off", JMLR 22(133), Algorithm 3. Difference: optimism. The variates are a function
/// of the member and the number of the reward, so that a replay learns the same.
using Bagging = OraclePolicy<BaggingRule>;
extern template class OraclePolicy<BaggingRule>;

}  // namespace attune
