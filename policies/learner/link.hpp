// SPDX-License-Identifier: Apache-2.0
/// @file
/// The logistic function and the implicit step that second-order learners share.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "core/portable_math.hpp"

namespace attune::detail {

/// 1 / (1 + e^-score); neither tail is a difference from 1.
[[nodiscard]] inline double logistic_of(double score) noexcept {
  const double tail = portable_exp(-std::abs(score));
  return score >= 0.0 ? 1.0 / (1.0 + tail) : tail / (1.0 + tail);
}

/// How far one example moves a belief, as GaussianWeights::learn wants it.
struct Move {
  double step = 0.0;
  double shrink = 0.0;
};

/// The implicit step of logistic loss: step = weight (y - p(score + spread step)), so that an example of
/// weight 2 cannot overshoot where two of weight 1 would not. One Newton step from the linearised solution;
/// `at` gives p of a score.
template <class Probability>
[[nodiscard]] inline Move logistic_move(double score, double probability, double spread, double target,
                                        double weight, const Probability& at) noexcept {
  const double first =
      weight * (target - probability) / (1.0 + weight * probability * (1.0 - probability) * spread);
  const double moved = at(score + spread * first);
  const double slope = 1.0 + weight * spread * moved * (1.0 - moved);
  const double step = first - (first - weight * (target - moved)) / slope;
  // p at the solution; the Newton step leaves a little.
  const double final = std::clamp(target - step / weight, 0.0, 1.0);
  const double curvature = weight * final * (1.0 - final);
  return {step, curvature / (1.0 + curvature * spread)};
}

/// The exact step of squared loss with noise 1.
[[nodiscard]] inline Move squared_move(double score, double spread, double target, double weight) noexcept {
  const double part = weight / (1.0 + weight * spread);
  return {part * (target - score), part};
}

}  // namespace attune::detail
