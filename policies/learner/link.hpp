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

/// The implicit step of logistic loss, step = weight (y - p(score + spread step)), by Newton's method within
/// a bracket: to 1e-12 of the weight, whatever the spread. `at` gives p of a score.
template <class Probability>
[[nodiscard]] inline Move solved_logistic_move(double score, double spread, double target, double weight,
                                               const Probability& at) noexcept {
  constexpr int kMostSteps = 60;
  constexpr double kNear = 1e-12;
  double low = weight * (target - 1.0);
  double high = weight * target;
  double step = 0.5 * (low + high);
  double p = 0.0;
  for (int i = 0; i < kMostSteps; ++i) {
    p = at(score + spread * step);
    const double error = step - weight * (target - p);
    (error > 0.0 ? high : low) = step;
    const double newton = step - error / (1.0 + weight * spread * p * (1.0 - p));
    const double next = newton > low && newton < high ? newton : 0.5 * (low + high);
    const bool near = std::abs(next - step) <= kNear * weight;
    step = next;
    if (near) {
      break;
    }
  }
  const double curvature = weight * p * (1.0 - p);
  return {step, curvature / (1.0 + curvature * spread)};
}

/// The same by one Newton step from the linearised solution. Where a wrong score is far out and the spread
/// wide, both ends of the step are flat, and it may be far too short, or 0.
template <class Probability>
[[nodiscard]] inline Move newton_logistic_move(double score, double probability, double spread, double target,
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

/// The same by whichever of the two is enough: an example of weight 2 cannot overshoot where two of weight 1
/// would not.
template <class Probability>
[[nodiscard]] inline Move logistic_move(double score, double probability, double spread, double target,
                                        double weight, const Probability& at) noexcept {
  const Move move = newton_logistic_move(score, probability, spread, target, weight, at);
  // p rises by at most 1/4 a unit of score, which bounds the solution from both sides.
  const double most = weight * (target - probability);
  const double least = most / (1.0 + 0.25 * weight * spread);
  constexpr double kRounding = 1e-9;
  if (std::abs(move.step) < (1.0 - kRounding) * std::abs(least) ||
      std::abs(move.step) > (1.0 + kRounding) * std::abs(most) || move.step * most < 0.0) {
    return solved_logistic_move(score, spread, target, weight, at);
  }
  return move;
}

/// The exact step of squared loss with noise 1.
[[nodiscard]] inline Move squared_move(double score, double spread, double target, double weight) noexcept {
  const double part = weight / (1.0 + weight * spread);
  return {part * (target - score), part};
}

}  // namespace attune::detail
