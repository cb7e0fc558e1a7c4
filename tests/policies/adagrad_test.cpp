// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/adagrad.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "tests/policies/linear_learner_fixture.hpp"

namespace attune::adagrad_test {
namespace {

using Point = std::vector<double>;

AdaGradLearner make_adagrad(std::size_t features, const AdaGradConfig& config) {
  return AdaGradLearner::make(config, {.features = features}).value();
}

TEST(AdaGradLearner, TwoStepsByHand) {
  AdaGradLearner learner = make_adagrad(2, {.rate = 0.5, .epsilon = 1e-100, .intercept = false});
  const Point first{2.0, 0.0};
  ASSERT_EQ(learner.partial_fit({.dense = first}, 1.0, 1.0), Errc::ok);
  // g = (-2, 0): the first step of a weight is the rate, whatever the gradient.
  EXPECT_EQ(learner.weight(0), 0.5);
  EXPECT_EQ(learner.weight(1), 0.0);
  const Point second{1.0, 1.0};
  ASSERT_EQ(learner.partial_fit({.dense = second}, 2.0, 1.0), Errc::ok);
  // Score 0.5, g = (-1.5, -1.5), G = (4 + 2.25, 2.25): steps 0.5 * 1.5 / 2.5 = 0.3 and 0.5.
  EXPECT_NEAR(learner.weight(0), 0.8, 1e-15);
  EXPECT_NEAR(learner.weight(1), 0.5, 1e-15);
}

TEST(AdaGradLearner, ThePenaltyTouchesPresentFeaturesOnly) {
  AdaGradLearner learner = make_adagrad(2, {.rate = 0.5, .l2 = 1.0, .intercept = false});
  const Point both{1.0, 1.0};
  ASSERT_EQ(learner.partial_fit({.dense = both}, 1.0, 1.0), Errc::ok);
  const double absent = learner.weight(1);
  const Point one{1.0, 0.0};
  for (int t = 0; t < 20; ++t) {
    ASSERT_EQ(learner.partial_fit({.dense = one}, 0.0, 1.0), Errc::ok);
  }
  EXPECT_EQ(learner.weight(1), absent);
  EXPECT_LT(std::abs(learner.weight(0)), 0.2);
}

TEST(AdaGradLearner, StepsDoNotDependOnTheUnitOfAFeature) {
  AdaGradLearner learner = make_adagrad(2, {.rate = 0.5, .epsilon = 1e-100, .clip = 1.0, .intercept = false});
  // The second feature is the first in other units; the derivative is -1 (clipped) each time.
  const Point x{1.0, 1024.0};
  for (int t = 1; t <= 10; ++t) {
    ASSERT_EQ(learner.partial_fit({.dense = x}, 1e9, 1.0), Errc::ok);
    ASSERT_EQ(learner.weight(0), learner.weight(1));
  }
  EXPECT_GT(learner.weight(0), 0.5);
}

TEST(AdaGradLearner, ComesNearTheBatchSolutions) {
  // After n = 200,000 examples a step is rate / sqrt(sum of g^2) times the gradient: 0.1 / (0.3 sqrt(n))
  // = 7.5e-4, whose noise has deviation 0.3 sqrt(7.5e-4 / 2) = 0.006; for the coin 0.1 / (0.41 sqrt(n))
  // = 5.4e-4 and sqrt(5.4e-4 / 2) = 0.017. Five deviations.
  const test::Examples real = test::make_examples(20'000, 4, false, 3);
  test::expect_near_batch(make_adagrad(4, {}), real, test::least_squares(real), 10, 0.03);
  const test::Examples coin = test::make_examples(20'000, 4, true, 4);
  test::expect_near_batch(make_adagrad(4, {.loss = Loss::logistic}), coin, test::logistic_regression(coin),
                          10, 0.085);
}

TEST(AdaGradLearner, HasTheMannersOfALearner) { test::expect_learner_manners<AdaGradLearner>({}); }

TEST(AdaGradLearner, SparseExamplesTeachTheSame) { test::expect_sparse_like_dense<AdaGradLearner>({}); }

}  // namespace
}  // namespace attune::adagrad_test
