// SPDX-License-Identifier: Apache-2.0
// The implicit step of logistic loss: within its bounds for every score, spread, target and weight.
#include "policies/learner/link.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace attune::link_test {
namespace {

const auto kAt = [](double score) noexcept { return detail::logistic_of(score); };

template <class Check>
void for_each_case(const Check& check) {
  for (const double score : {-60.0, -20.0, -5.0, -1.0, 0.0, 0.3, 4.0, 20.0, 60.0}) {
    for (const double spread : {1e-6, 0.1, 1.0, 10.0, 40.0, 400.0, 1e6}) {
      for (const double target : {0.0, 0.25, 1.0}) {
        for (const double weight : {0.01, 1.0, 30.0}) {
          SCOPED_TRACE(testing::Message() << score << " " << spread << " " << target << " " << weight);
          check(score, spread, target, weight);
        }
      }
    }
  }
}

TEST(LogisticMove, SolvedToTheEndItSolvesItsEquation) {
  for_each_case([](double score, double spread, double target, double weight) {
    const double step = detail::solved_logistic_move(score, spread, target, weight, kAt).step;
    // What is left is an error of the step times the slope of the equation, at most 1 + weight spread / 4.
    const double left = step - weight * (target - kAt(score + spread * step));
    EXPECT_LE(std::abs(left), 1e-11 * weight * (1.0 + 0.25 * weight * spread));
  });
}

// A step of 0 where the prediction is wrong would leave it wrong for ever.
TEST(LogisticMove, MovesAtLeastAndAtMostAsFarAsTheSolutionCanBe) {
  for_each_case([](double score, double spread, double target, double weight) {
    const double p = kAt(score);
    const detail::Move move = detail::logistic_move(score, p, spread, target, weight, kAt);
    const double most = weight * (target - p);
    const double least = most / (1.0 + 0.25 * weight * spread);
    EXPECT_GE(move.step * most, 0.0);
    EXPECT_GE(std::abs(move.step), 0.999 * std::abs(least));
    EXPECT_LE(std::abs(move.step), 1.001 * std::abs(most));
    EXPECT_GE(move.shrink, 0.0);
    EXPECT_LE(move.shrink * spread, 1.0);
  });
}

}  // namespace
}  // namespace attune::link_test
