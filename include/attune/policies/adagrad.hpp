// SPDX-License-Identifier: Apache-2.0
/// @file
/// AdaGradLearner: linear or logistic regression with a step size for each feature.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/core/concepts.hpp>
#include <attune/policies/linear_learner.hpp>

namespace attune {

/// Options of AdaGradLearner.
struct AdaGradConfig {
  Loss loss = Loss::squared;
  double rate = 0.1;
  double epsilon = 1e-8;
  double l2 = 0.0;
  double clip = 0.0;
  bool intercept = true;
  double quantile = 0.5;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("loss", self.loss, Bounds{}, "what is minimised; see LinearModel");
    visit("rate", self.rate, Bounds{1e-12, 1e3}, "size of a weight's first step");
    visit("epsilon", self.epsilon, Bounds{1e-100, 1e6}, "added to the root of the sum of squared gradients");
    visit("l2", self.l2, Bounds{0, 1e3}, "penalty l2/2 w^2 on each weight when its feature is present");
    visit("clip", self.clip, Bounds{0, 1e100}, "bound on |d loss / d score| of one example; 0: none");
    visit("intercept", self.intercept, Bounds{0, 1}, "learn a constant beside the weights");
    visit("quantile", self.quantile, Bounds{0, 1}, "which quantile, with quantile loss");
  }
  bool operator==(const AdaGradConfig&) const = default;
};

/// Gradient descent in which each weight's steps shrink with the gradients it has seen,
///
///     g_i = weight (dloss/ds x_i + l2 w_i),   G_i <- G_i + g_i^2,   w_i <- w_i - rate g_i / (sqrt(G_i) +
///     epsilon),
///
/// for every i with x_i not zero. Rare features keep large steps, and the steps of a weight do not depend on
/// the unit of its feature.
///
/// Source: Duchi, Hazan, Singer (2011), "Adaptive Subgradient Methods for Online Learning and Stochastic
/// Optimization", JMLR 12, 2121-2159, Figure 1 with diagonal matrices; epsilon is their delta. Difference:
/// the penalty touches a weight only when its feature is present, so that sparse examples cost what they
/// hold.
///
/// Cost: O(non-zero features), none allocates. Memory: 16 bytes a feature.
/// Limits: steps only ever shrink: a world that changes is followed more and more slowly.
struct AdaGradRule {
  using Config = AdaGradConfig;
  static constexpr std::string_view kName = "adagrad";
  static constexpr std::string_view kTitle = "AdaGrad";
  static constexpr std::uint32_t kStateVersion = 1;

  struct Cell {
    double squares = 0.0;  ///< G

    bool operator==(const Cell&) const = default;
  };
  using State = WeightCells<Cell>;
};

using AdaGradLearner = LinearLearner<AdaGradRule>;
extern template class LinearLearner<AdaGradRule>;

}  // namespace attune
