// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/nag.hpp>

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "tests/policies/linear_learner_fixture.hpp"

namespace attune::nag_test {
namespace {

using Point = std::vector<double>;

NagLearner make_nag(std::size_t features, const NagConfig& config) {
  return NagLearner::make(config, {.features = features}).value();
}

TEST(Nag, FirstStepByHand) {
  NagLearner learner = make_nag(1, {.rate = 0.5, .intercept = false});
  ASSERT_EQ(learner.partial_fit({.dense = Point{4.0}}, 3.0, 1.0), Errc::ok);
  // s = 4, N = T = 1, g = -12, G = 144; c = 0.5 / (4 * 12), q = 16 c = 1/6: the score goes to 3 (1 -
  // e^(-1/6)).
  EXPECT_NEAR(learner.predict({.dense = Point{4.0}}), 3.0 * (1.0 - std::exp(-1.0 / 6.0)), 1e-15);
  // A value of 8 shrinks the weight first: its score is that of 4.
  EXPECT_NEAR(learner.predict({.dense = Point{8.0}}), learner.predict({.dense = Point{4.0}}), 1e-15);
}

// e^s (e^d - 1) + d = way, the closed form of the logistic step for y = 1 (and mirrored for 0).
TEST(Nag, LogisticStepIsTheClosedForm) {
  for (const double target : {1.0, 0.0}) {
    for (const double weight : {1e-3, 1.0, 50.0, 1e6}) {
      NagLearner learner = make_nag(1, {.loss = Loss::logistic, .rate = 2.0, .intercept = false});
      ASSERT_EQ(learner.partial_fit({.dense = Point{1.0}}, target, weight), Errc::ok);
      const double d = std::abs(learner.weight(0));
      // g = 1/2, G = weight / 4, T = N: q = 2 / sqrt(weight / 4), times the weight.
      const double way = 4.0 * std::sqrt(weight);
      EXPECT_NEAR(std::expm1(d) + d, way, 1e-12 * way) << weight;
      EXPECT_EQ(learner.weight(0) > 0.0, target == 1.0);
    }
  }
}

// Karampatziakis and Langford's invariance: with G and N as good as at rest, h = 1 in one step is the same as
// in 100 parts; a plain gradient step would overshoot.
TEST(Nag, AnImportanceMayBeCutIntoParts) {
  for (const Loss loss : {Loss::squared, Loss::logistic}) {
    NagLearner whole = make_nag(2, {.loss = loss, .rate = 20.0});
    Rng rng(5);
    for (int t = 0; t < 3000; ++t) {
      const double label = rng.uniform() < 0.5 ? 1.0 : 0.0;
      ASSERT_EQ(whole.partial_fit({.dense = Point{sample_normal(rng), 1.0}}, label, 1.0), Errc::ok);
    }
    NagLearner parts = whole;
    const Point x{1.5, -0.5};
    const double start = whole.predict({.dense = x});
    ASSERT_EQ(whole.partial_fit({.dense = x}, 1.0, 5.0), Errc::ok);
    for (int i = 0; i < 100; ++i) {
      ASSERT_EQ(parts.partial_fit({.dense = x}, 1.0, 0.05), Errc::ok);
    }
    const double moved = std::abs(whole.predict({.dense = x}) - start);
    EXPECT_GT(moved, 0.05);
    // G and N move by 5 in 3000, once before and once along the way: half of 5 / 3000 of the step.
    EXPECT_NEAR(parts.predict({.dense = x}), whole.predict({.dense = x}), 0.01 * moved);
  }
}

TEST(Nag, NoStepPassesTheTarget) {
  Rng rng(6);
  NagLearner learner = make_nag(3, {.rate = 1000.0});
  for (int t = 0; t < 500; ++t) {
    const Point x{sample_normal(rng), 1e6 * sample_normal(rng), 1e-6 * sample_normal(rng)};
    const double target = sample_normal(rng);
    ASSERT_EQ(learner.partial_fit({.dense = x}, target, 1e6), Errc::ok);
    // Rounding of three parts that may cancel.
    ASSERT_NEAR(learner.predict({.dense = x}), target, 1e-6);
  }
}

TEST(Nag, UnitsOfFeaturesDoNotMatter) {
  NagLearner plain = make_nag(2, {.loss = Loss::logistic});
  NagLearner scaled = make_nag(2, {.loss = Loss::logistic});
  Rng rng(7);
  for (int t = 0; t < 500; ++t) {
    const Point x{sample_normal(rng), sample_normal(rng)};
    const Point y{0x1p20 * x[0], 0x1p-10 * x[1]};
    ASSERT_NEAR(plain.predict({.dense = x}), scaled.predict({.dense = y}), 1e-13);
    const double label = rng.uniform() < 1.0 / (1.0 + std::exp(-x[0] - x[1])) ? 1.0 : 0.0;
    ASSERT_EQ(plain.partial_fit({.dense = x}, label, 1.0), Errc::ok);
    ASSERT_EQ(scaled.partial_fit({.dense = y}, label, 1.0), Errc::ok);
  }
}

TEST(Nag, ComesNearTheBatchSolutions) {
  // Steps as AdaGrad's of rate 0.5 over the largest value, about 4.5: 0.11. See there; 0.006 and 0.017, five
  // of them.
  const test::Examples real = test::make_examples(20'000, 4, false, 3);
  test::expect_near_batch(make_nag(4, {}), real, test::least_squares(real), 10, 0.05);
  const test::Examples coin = test::make_examples(20'000, 4, true, 4);
  test::expect_near_batch(make_nag(4, {.loss = Loss::logistic}), coin, test::logistic_regression(coin), 10,
                          0.12);
}

TEST(Nag, HasTheMannersOfALearner) { test::expect_learner_manners<NagLearner>({}); }

TEST(Nag, SparseExamplesTeachTheSame) { test::expect_sparse_like_dense<NagLearner>({}); }

}  // namespace
}  // namespace attune::nag_test
