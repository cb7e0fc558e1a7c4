// SPDX-License-Identifier: Apache-2.0
/// @file
/// AdamLearner: linear regression, logistic regression and others by Adam.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/core/concepts.hpp>
#include <attune/policies/linear_learner.hpp>

namespace attune {

/// Options of AdamLearner, with the names of the paper.
struct AdamConfig {
  Loss loss = Loss::squared;
  double rate = 0.01;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double clip = 0.0;
  bool intercept = true;
  double quantile = 0.5;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("loss", self.loss, Bounds{}, "what is minimised; see LinearModel");
    visit("rate", self.rate, Bounds{1e-12, 1e3}, "size of a step, nearly");
    visit("beta1", self.beta1, Bounds{0, 0.999999}, "memory of the mean gradient");
    visit("beta2", self.beta2, Bounds{0, 0.999999}, "memory of the mean squared gradient");
    visit("epsilon", self.epsilon, Bounds{1e-100, 1e6}, "added to the root of the mean square");
    visit("clip", self.clip, Bounds{0, 1e100}, "bound on |d loss / d score| of one example; 0: none");
    visit("intercept", self.intercept, Bounds{0, 1}, "learn a constant beside the weights");
    visit("quantile", self.quantile, Bounds{0, 1}, "which quantile, with quantile loss");
  }
  bool operator==(const AdamConfig&) const = default;
};

/// Steps along a fading mean of gradients, each divided by the root of a fading mean of squares,
///
///     m_i <- beta1 m_i + (1 - beta1) g_i,   v_i <- beta2 v_i + (1 - beta2) g_i^2,
///     w_i <- w_i - rate (m_i / (1 - beta1^t_i)) / (sqrt(v_i / (1 - beta2^t_i)) + epsilon),
///
/// for every i with x_i not zero; g_i = weight dloss/ds x_i, and t_i counts the examples that had i.
///
/// Source: Kingma, Ba (2015), "Adam: A Method for Stochastic Optimization", ICLR, Algorithm 1. Difference: a
/// weight moves only when its feature is present, so that sparse examples cost what they hold; on dense input
/// it is the paper's.
///
/// Cost: O(non-zero features), none allocates. Memory: 40 bytes a feature.
/// Limits: steps do not shrink: it follows a world that changes, and never settles.
struct AdamRule {
  using Config = AdamConfig;
  static constexpr std::string_view kName = "adam";
  static constexpr std::string_view kTitle = "Adam";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Of one weight. `first` and `second` are beta1^t and beta2^t: products, not powers.
  struct Moments {
    double mean = 0.0;
    double square = 0.0;
    double first = 1.0;
    double second = 1.0;

    bool operator==(const Moments&) const = default;
  };
  using State = WeightCells<Moments>;
};

using AdamLearner = LinearLearner<AdamRule>;
extern template class LinearLearner<AdamRule>;

}  // namespace attune
