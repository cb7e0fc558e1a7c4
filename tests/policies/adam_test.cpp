// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/adam.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "tests/policies/linear_learner_fixture.hpp"

namespace attune::adam_test {
namespace {

using Point = std::vector<double>;

AdamLearner make_adam(std::size_t features, const AdamConfig& config) {
  return AdamLearner::make(config, {.features = features}).value();
}

TEST(Adam, TheFirstStepIsTheRate) {
  AdamLearner learner = make_adam(2, {.rate = 0.25, .epsilon = 1e-100});
  ASSERT_EQ(learner.partial_fit({.dense = Point{1e3, -1e-3}}, 5.0, 1.0), Errc::ok);
  // m / (1 - beta1) = g and v / (1 - beta2) = g^2.
  EXPECT_NEAR(learner.weight(0), 0.25, 1e-14);
  EXPECT_NEAR(learner.weight(1), -0.25, 1e-14);
  EXPECT_NEAR(learner.intercept(), 0.25, 1e-14);
}

// Algorithm 1 of the paper, with powers, for one weight.
TEST(Adam, FollowsThePaper) {
  AdamLearner learner = make_adam(1, {.loss = Loss::logistic, .rate = 0.1, .intercept = false});
  Rng rng(3);
  double w = 0.0;
  double m = 0.0;
  double v = 0.0;
  for (int t = 1; t <= 200; ++t) {
    const double x = sample_normal(rng);
    const double y = rng.uniform() < 0.7 ? 1.0 : 0.0;
    const double g = (1.0 / (1.0 + std::exp(-w * x)) - y) * x;
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    w -= 0.1 * (m / (1.0 - std::pow(0.9, t))) / (std::sqrt(v / (1.0 - std::pow(0.999, t))) + 1e-8);
    ASSERT_EQ(learner.partial_fit({.dense = Point{x}}, y, 1.0), Errc::ok);
    ASSERT_NEAR(learner.weight(0), w, 1e-10);  // rounding of 200 steps and of the powers
  }
}

TEST(Adam, AWeightWithoutItsFeatureStays) {
  AdamLearner learner = make_adam(2, {});
  ASSERT_EQ(learner.partial_fit({.dense = Point{1.0, 1.0}}, 1.0, 1.0), Errc::ok);
  const double absent = learner.weight(1);
  for (int t = 0; t < 10; ++t) {
    ASSERT_EQ(learner.partial_fit({.dense = Point{1.0, 0.0}}, 1.0, 1.0), Errc::ok);
  }
  EXPECT_EQ(learner.weight(1), absent);
}

TEST(Adam, ComesNearTheBatchSolutions) {
  // Steps do not shrink: about rate / root mean square of the gradient, 0.001 / 0.3, deviation
  // 0.3 sqrt(0.0033 / 2) = 0.012 for real targets and 0.41 sqrt(0.0024 / 2) / 0.41 = 0.035 for coins. Five of
  // them.
  const test::Examples real = test::make_examples(20'000, 4, false, 3);
  test::expect_near_batch(make_adam(4, {.rate = 0.001}), real, test::least_squares(real), 3, 0.06);
  const test::Examples coin = test::make_examples(20'000, 4, true, 4);
  test::expect_near_batch(make_adam(4, {.loss = Loss::logistic, .rate = 0.001}), coin,
                          test::logistic_regression(coin), 3, 0.17);
}

TEST(Adam, HasTheMannersOfALearner) { test::expect_learner_manners<AdamLearner>({}); }

TEST(Adam, SparseExamplesTeachTheSame) { test::expect_sparse_like_dense<AdamLearner>({}); }

}  // namespace
}  // namespace attune::adam_test
