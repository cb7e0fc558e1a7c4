// SPDX-License-Identifier: Apache-2.0
#include "simulations/estimators.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>

#include "tests/support/statistics.hpp"

namespace attune::sim::estimators_test {
namespace {

TEST(WilsonInterval, MatchesAPublishedExample) {
  // Newcombe (1998), "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17,
  // table I: 81 of 263 gives 0.2553 to 0.3662, 15 of 148 gives 0.0624 to 0.1605, 0 of 20 gives 0 to 0.1611.
  const Interval first = wilson_interval(81, 263);
  EXPECT_NEAR(first.low, 0.2553, 5e-5);
  EXPECT_NEAR(first.high, 0.3662, 5e-5);
  const Interval second = wilson_interval(15, 148);
  EXPECT_NEAR(second.low, 0.0624, 5e-5);
  EXPECT_NEAR(second.high, 0.1605, 5e-5);
  const Interval third = wilson_interval(0, 20);
  EXPECT_EQ(third.low, 0.0);
  EXPECT_NEAR(third.high, 0.1611, 5e-5);
  EXPECT_TRUE(std::isnan(wilson_interval(0, 0).value));
}

TEST(MeanEstimator, UsesStudentsIntervalForOtherNumbers) {
  MeanEstimator estimator;
  for (const double x : {1.0, 2.0, 4.0}) {
    estimator.add(x);
  }
  // Mean 7/3, standard error sqrt(((4/3)^2 + (1/3)^2 + (5/3)^2) / 2 / 3) = 0.8819171; t(2, 0.975)
  // = 4.3026527.
  const Interval interval = estimator.interval();
  EXPECT_NEAR(interval.value, 7.0 / 3.0, 1e-12);
  EXPECT_NEAR(interval.high - interval.value, 0.8819171 * 4.3026527, 1e-6);
  EXPECT_NEAR(interval.value - interval.low, 0.8819171 * 4.3026527, 1e-6);
}

TEST(WeightedEstimator, MatchesAnExampleByHand) {
  WeightedEstimator estimator;
  estimator.add(2.0, 1.0);
  estimator.add(0.0, 5.0);
  estimator.add(4.0, 0.5);
  // IPS = (2 + 0 + 2) / 3; w r = 2, 0, 2: variance 4/3, standard error sqrt(4/9) = 2/3.
  EXPECT_NEAR(estimator.ips().value, 4.0 / 3.0, 1e-12);
  EXPECT_NEAR(estimator.ips().high - estimator.ips().value, 1.959963985 * 2.0 / 3.0, 1e-8);
  // SNIPS = 4 / 6; sum w^2 (r - 2/3)^2 = 4 / 9 + 16 / 36 = 8 / 9; half = 1.96 sqrt(8 / 9) / 6.
  EXPECT_NEAR(estimator.snips().value, 2.0 / 3.0, 1e-12);
  EXPECT_NEAR(estimator.snips().high - estimator.snips().value, 1.959963985 * std::sqrt(8.0 / 9.0) / 6.0,
              1e-8);
  // ESS = 36 / 20.
  EXPECT_NEAR(estimator.effective_sample_size(), 1.8, 1e-12);
}

TEST(WeightedEstimator, SaysNothingFromNothing) {
  WeightedEstimator estimator;
  EXPECT_TRUE(std::isnan(estimator.ips().value));
  EXPECT_TRUE(std::isnan(estimator.snips().value));
  EXPECT_EQ(estimator.effective_sample_size(), 0.0);
  estimator.add(0.0, 1.0);
  EXPECT_EQ(estimator.ips().value, 0.0);
  EXPECT_TRUE(std::isnan(estimator.snips().value)) << "no row fits the policy";
}

TEST(WeightedEstimator, EqualWeightsAreThePlainMean) {
  WeightedEstimator estimator;
  for (int i = 0; i < 10; ++i) {
    estimator.add(1.0, i < 3 ? 1.0 : 0.0);
  }
  EXPECT_NEAR(estimator.ips().value, 0.3, 1e-12);
  EXPECT_NEAR(estimator.snips().value, 0.3, 1e-12);
  EXPECT_NEAR(estimator.effective_sample_size(), 10.0, 1e-12);
}

TEST(WeightedEstimator, IsUnbiasedForAPolicyWhoseValueIsKnown) {
  // Logger: arm 0 with probability 0.8; arms pay 0.3 and 0.6. Target: always arm 1, value 0.6.
  constexpr int kRows = 40'000;
  WeightedEstimator estimator;
  Rng rng(11);
  for (int i = 0; i < kRows; ++i) {
    const bool first = rng.uniform() < 0.8;
    const double reward = rng.uniform() < (first ? 0.3 : 0.6) ? 1.0 : 0.0;
    estimator.add(first ? 0.0 : 1.0 / 0.2, reward);
  }
  // w r is 5 with probability 0.12, else 0: variance 25 * 0.12 * 0.88.
  EXPECT_TRUE(test::mean_matches(estimator.ips().value, 0.6, std::sqrt(25 * 0.12 * 0.88), kRows));
  // About 8,000 rows are left to SNIPS, each a coin of 0.6.
  EXPECT_TRUE(test::mean_matches(estimator.snips().value, 0.6, std::sqrt(0.24), 0.2 * kRows));
  EXPECT_NEAR(estimator.effective_sample_size(), 0.2 * kRows, 6 * std::sqrt(0.16 * kRows));
}

}  // namespace
}  // namespace attune::sim::estimators_test
