// SPDX-License-Identifier: Apache-2.0
/// @file
/// Cover: votes of regressions that are paid for choosing what the others do not.
#pragma once

#include <attune/policies/oracle_policy.hpp>

namespace attune {

/// Options of Cover.
struct CoverConfig {
  OracleKind oracle = OracleKind::automatic;
  Loss loss = Loss::squared;
  std::uint32_t members = 4;
  double psi = 0.1;
  double epsilon = 0.05;
  double optimism = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("oracle", self.oracle, Bounds{}, "what predicts the rewards; see RewardOracle");
    visit("loss", self.loss, Bounds{}, "squared; logistic takes no rewards beyond [0, 1]");
    visit("members", self.members, Bounds{1, 64}, "regressions");
    visit("psi", self.psi, Bounds{0, 1e3},
          "what choosing an arm that none of the others chooses is worth, in ranges");
    visit("epsilon", self.epsilon, Bounds{0, 1}, "random choices of an arm at reward t: epsilon / sqrt(K t)");
    visit("optimism", self.optimism, Bounds{0, 1e6},
          "deviations that a score lies above its prediction; 0: as in the paper");
  }
  bool operator==(const CoverConfig&) const = default;
};

/// The rule of Cover: see OraclePolicy.
struct CoverRule {
  using Config = CoverConfig;
  static constexpr std::string_view kName = "cover";
  static constexpr std::string_view kTitle = "online cover";
  static constexpr OracleChoice kChoice = OracleChoice::votes;

  [[nodiscard]] static OracleSetup setup(const Config& config) noexcept {
    return {.policy = kName, .oracle = config.oracle, .loss = config.loss, .members = config.members};
  }
  [[nodiscard]] static double width(const Config& config, const OracleNumbers& known) noexcept {
    return config.optimism * known.deviation;
  }
  [[nodiscard]] static double mixed(const Config& config, const OracleNumbers& known) noexcept;
  static double learn(const Config& config, const OracleArms& arms, RewardOracle& member, std::size_t number,
                      const OracleInput& input, const Feedback& feedback) noexcept;
};

/// Keeps several regressions. The first learns the rewards as they come; each other one learns, of the arm a
/// that was chosen,
///
///     r + psi R e / q(a),
///
/// r the reward, R the range of the rewards, e the least chance of an arm, and q(a) the chance of a by the
/// votes of the members before it. So what the others already choose is worth less to it. Chooses an arm with
/// the share of the members that give it the largest score, at least e each.
///
/// Source: Agarwal, Hsu, Kale, Langford, Li, Schapire (2014), "Taming the Monster: A Fast and Simple
/// Algorithm for Contextual Bandits", ICML, section 5 (online cover). Differences: the members are
/// regressions of the arm that was chosen, instead of cost-sensitive classifiers over inverse propensities of
/// all arms, whose variance spoils a regression (measured on the page in docs/algorithms); optimism.
///
/// Cost: an update takes about members^2 / 2 scorings of all arms, beside the steps of the members.
using Cover = OraclePolicy<CoverRule>;
extern template class OraclePolicy<CoverRule>;

}  // namespace attune
