// SPDX-License-Identifier: Apache-2.0
/// @file
/// FtrlLearner: sparse linear or logistic regression by follow-the-regularised-leader.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/core/concepts.hpp>
#include <attune/policies/linear_learner.hpp>

namespace attune {

/// Options of FtrlLearner, with the names of the paper.
struct FtrlConfig {
  Loss loss = Loss::squared;
  double alpha = 0.1;
  double beta = 1.0;
  double l1 = 0.0;
  double l2 = 0.0;
  double clip = 0.0;
  bool intercept = true;
  double quantile = 0.5;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("loss", self.loss, Bounds{}, "what is minimised; see LinearModel");
    visit("alpha", self.alpha, Bounds{1e-12, 1e3},
          "step size: a weight's rate is alpha / (beta + root of its squares)");
    visit("beta", self.beta, Bounds{1e-6, 1e6}, "keeps the first steps small");
    visit("l1", self.l1, Bounds{0, 1e6}, "penalty l1 |w|: weights with little evidence stay exactly zero");
    visit("l2", self.l2, Bounds{0, 1e6}, "penalty l2/2 w^2");
    visit("clip", self.clip, Bounds{0, 1e100}, "bound on |d loss / d score| of one example; 0: none");
    visit("intercept", self.intercept, Bounds{0, 1},
          "learn a constant beside the weights; it is not penalised");
    visit("quantile", self.quantile, Bounds{0, 1}, "which quantile, with quantile loss");
  }
  bool operator==(const FtrlConfig&) const = default;
};

/// FTRL-Proximal: per-weight rates as in AdaGrad, with an l1 penalty that leaves most weights exactly zero,
///
///     sigma = (sqrt(n_i + g_i^2) - sqrt(n_i)) / alpha,   z_i <- z_i + g_i - sigma w_i,   n_i <- n_i + g_i^2,
///     w_i = 0 where |z_i| <= l1, else -(z_i - sign(z_i) l1) / ((beta + sqrt(n_i)) / alpha + l2),
///
/// with g_i = weight dloss/ds x_i, for every i with x_i not zero.
///
/// Source: McMahan et al. (2013), "Ad Click Prediction: a View from the Trenches", KDD, Algorithm 1 (logistic
/// loss there). Defaults: alpha = 0.1, beta = 1, no penalty.
///
/// Cost: O(non-zero features), none allocates. Memory: 24 bytes a feature.
/// Limits: as AdaGrad, steps only ever shrink.
struct FtrlRule {
  using Config = FtrlConfig;
  static constexpr std::string_view kName = "ftrl";
  static constexpr std::string_view kTitle = "FTRL-Proximal";
  static constexpr std::uint32_t kStateVersion = 1;

  /// z and n of one weight, side by side: they are always used together.
  struct Sums {
    double gradient = 0.0;
    double squares = 0.0;

    bool operator==(const Sums&) const = default;
  };
  using State = WeightCells<Sums>;
};

using FtrlLearner = LinearLearner<FtrlRule>;
extern template class LinearLearner<FtrlRule>;

}  // namespace attune
