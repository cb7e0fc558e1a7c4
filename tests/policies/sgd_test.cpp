// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/sgd.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/policies/linear_learner_fixture.hpp"

namespace attune::sgd_test {
namespace {

using Point = std::vector<double>;

SgdLearner make_sgd(std::size_t features, const SgdConfig& config) {
  return SgdLearner::make(config, {.features = features}).value();
}

TEST(SgdLearner, TwoStepsByHand) {
  SgdLearner learner = make_sgd(2, {.rate = 0.1, .l2 = 0.0});
  const Point x{1.0, 2.0};
  ASSERT_EQ(learner.partial_fit({.dense = x}, 3.0, 1.0), Errc::ok);
  // Score 0, derivative -3, step -0.3: w = (0.3, 0.6), intercept 0.3.
  EXPECT_NEAR(learner.weight(0), 0.3, 1e-16);
  EXPECT_NEAR(learner.weight(1), 0.6, 1e-15);
  EXPECT_NEAR(learner.intercept(), 0.3, 1e-16);
  EXPECT_NEAR(learner.predict({.dense = x}), 1.8, 1e-15);
  ASSERT_EQ(learner.partial_fit({.dense = x}, 3.0, 2.0), Errc::ok);
  // Derivative -1.2, weight 2, rate 0.1/sqrt(2): step -0.24/sqrt(2) = -0.1697056.
  EXPECT_NEAR(learner.weight(0), 0.3 + 0.24 / std::sqrt(2.0), 1e-15);
}

TEST(SgdLearner, LogisticStepByHand) {
  SgdLearner learner =
      make_sgd(1, {.loss = Loss::logistic, .rate = 1.0, .schedule = RateSchedule::constant, .l2 = 0.0});
  const Point x{2.0};
  EXPECT_EQ(learner.predict({.dense = x}), 0.5);
  ASSERT_EQ(learner.partial_fit({.dense = x}, 1.0, 1.0), Errc::ok);
  // Derivative 0.5 - 1: w = 1, intercept 0.5; then 1 / (1 + e^-2.5) = 0.9241418.
  EXPECT_EQ(learner.weight(0), 1.0);
  EXPECT_EQ(learner.intercept(), 0.5);
  EXPECT_NEAR(learner.predict({.dense = x}), 0.9241418, 1e-7);
}

TEST(SgdLearner, ThePenaltyShrinksWeightsButNotTheIntercept) {
  SgdLearner learner = make_sgd(1, {.rate = 0.5, .schedule = RateSchedule::constant, .l2 = 1.0});
  const Point x{1.0};
  ASSERT_EQ(learner.partial_fit({.dense = x}, 1.0, 1.0), Errc::ok);
  EXPECT_NEAR(learner.weight(0), 0.5 / 1.5, 1e-16);  // (0 + 0.5) / (1 + 0.5 * 1)
  EXPECT_EQ(learner.intercept(), 0.5);
}

TEST(SgdLearner, TheCommonFactorIsFoldedInUnseen) {
  // Each step halves the weights: the factor passes its bound after 20 steps, many times over.
  SgdLearner learner =
      make_sgd(2, {.rate = 1.0, .schedule = RateSchedule::constant, .l2 = 1.0, .intercept = false});
  double plain = 0.0;
  const Point x{0.25, 0.0};
  for (int t = 0; t < 500; ++t) {
    const double target = t % 7 == 0 ? 1.0 : -0.5;
    const double expected_step = (plain * 0.25 - target) * 0.25;
    ASSERT_EQ(learner.partial_fit({.dense = x}, target, 1.0), Errc::ok);
    plain = (plain - expected_step) / 2.0;
    ASSERT_NEAR(learner.weight(0), plain, 1e-14);
  }
}

TEST(SgdLearner, ClippingBoundsTheDerivative) {
  SgdLearner learner = make_sgd(1, {.rate = 1.0, .l2 = 0.0, .clip = 2.0});
  const Point x{1.0};
  ASSERT_EQ(learner.partial_fit({.dense = x}, 1e9, 1.0), Errc::ok);
  EXPECT_EQ(learner.weight(0), 2.0);
}

TEST(SgdLearner, ProjectionKeepsTheNorm) {
  SgdLearner learner = make_sgd(3, {.l2 = 0.0, .radius = 0.5});
  Rng rng(2);
  bool touched = false;
  for (int t = 0; t < 10'000; ++t) {  // past the point where the norm is computed anew
    const Point x{sample_normal(rng), sample_normal(rng), sample_normal(rng)};
    ASSERT_EQ(learner.partial_fit({.dense = x}, x[0] + x[1], 1.0), Errc::ok);
    const double norm = std::hypot(learner.weight(0), learner.weight(1), learner.weight(2));
    ASSERT_LE(norm, 0.5 + 1e-9);
    touched = touched || norm > 0.4999;
  }
  EXPECT_TRUE(touched);
}

TEST(SgdLearner, ComesNearTheBatchSolutions) {
  // After 200,000 steps the rate eta is 0.1 / 447 = 2.2e-4: noise of deviation 0.3 sqrt(eta / 2) = 0.0032.
  // Five of it.
  const test::Examples real = test::make_examples(20'000, 4, false, 1);
  test::expect_near_batch(make_sgd(4, {.l2 = 0.0}), real, test::least_squares(real), 10, 0.016);
  // For the coin, whose gradient varies as much as its loss is curved, sqrt(eta / 2) with eta = 6.7e-4:
  // 0.018.
  const test::Examples coin = test::make_examples(20'000, 4, true, 2);
  test::expect_near_batch(make_sgd(4, {.loss = Loss::logistic, .rate = 0.3, .l2 = 0.0}), coin,
                          test::logistic_regression(coin), 10, 0.09);
}

TEST(SgdLearner, HasTheMannersOfALearner) { test::expect_learner_manners<SgdLearner>({}); }

TEST(SgdLearner, SparseExamplesTeachTheSame) { test::expect_sparse_like_dense<SgdLearner>({}); }

TEST(SgdLearner, RefusesBadConfigurationByName) {
  const Result<SgdLearner> bad = SgdLearner::make({.rate = -1.0}, {.features = 1});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Errc::invalid_config);
  EXPECT_NE(bad.error().message.find("rate"), std::string::npos);
  EXPECT_FALSE(SgdLearner::make({}, {.features = std::size_t{1} << 40U}));
}

}  // namespace
}  // namespace attune::sgd_test
