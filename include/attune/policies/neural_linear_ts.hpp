// SPDX-License-Identifier: Apache-2.0
/// @file
/// NeuralLinearTs: Thompson sampling over features that a neural network learns, one Bayesian regression an
/// arm.
#pragma once

#include <attune/policies/oracle_policy.hpp>

namespace attune {

/// Options of NeuralLinearTs.
struct NeuralLinearTsConfig {
  Loss loss = Loss::squared;
  double scale = 0.35;
  NeuralOptions neural{};

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("loss", self.loss, Bounds{}, "squared, or logistic for rewards in [0, 1]");
    visit("scale", self.scale, Bounds{0, 1e6},
          "factor on the deviation that is drawn from; 1: the posterior's");
    NeuralOptions::fields(self.neural, visit);
  }
  bool operator==(const NeuralLinearTsConfig&) const = default;
};

/// The rule of NeuralLinearTs: see OraclePolicy.
struct NeuralLinearTsRule {
  using Config = NeuralLinearTsConfig;
  static constexpr std::string_view kName = "neural_linear_ts";
  static constexpr std::string_view kTitle = "neural-linear Thompson sampling";
  static constexpr OracleChoice kChoice = OracleChoice::draws;
  static constexpr double kDoubted = 100.0;

  [[nodiscard]] static OracleSetup setup(const Config& config) noexcept {
    return {
        .policy = kName, .oracle = OracleKind::neural_linear, .loss = config.loss, .neural = config.neural};
  }
  [[nodiscard]] static double width(const Config& config, const OracleNumbers& known) noexcept;
};

/// Draws the score of each arm from N(m(a), (scale s d(a))^2) and takes the largest: m and d mean and
/// deviation by the arm's Bayesian regression over the features that one network learns for all arms
/// (NeuralArms), and s the deviation of the rewards from their predictions, as if kDoubted more had been off
/// by half a range: where rewards have no noise, a wrong prediction of what was never tried would else stay.
/// With logistic loss s is 1.
///
/// Source: Riquelme, Tucker, Snoek (2018), "Deep Bayesian Bandits Showdown", ICLR, NeuralLinear; its prior of
/// the variance stands for kDoubted here. Further differences: those of NeuralArms; `scale`.
///
/// Rewards: any up to 1e50; in [0, 1] with logistic loss. `propensity`: NaN, computed later. `score`: what
/// was drawn. Limits: dense contexts of at most 511 features.
using NeuralLinearTs = OraclePolicy<NeuralLinearTsRule>;
extern template class OraclePolicy<NeuralLinearTsRule>;

}  // namespace attune
