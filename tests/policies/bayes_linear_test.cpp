// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/bayes_linear.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>
#include <Eigen/Dense>

#include "tests/policies/linear_learner_fixture.hpp"

namespace attune::bayes_linear_test {
namespace {

struct Posterior {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

/// Bayes' rule for all examples at once: A = prior^-1 + sum w z z' / noise, m = A^-1 sum w z y / noise.
Posterior batch(const test::Examples& examples, const std::vector<double>& weights,
                const std::vector<double>& prior, double noise) {
  const auto size = static_cast<Eigen::Index>(prior.size());
  Eigen::MatrixXd precision = Eigen::MatrixXd::Zero(size, size);
  for (Eigen::Index i = 0; i < size; ++i) {
    precision(i, i) = 1.0 / prior[static_cast<std::size_t>(i)];
  }
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(size);
  for (std::size_t t = 0; t < examples.count(); ++t) {
    Eigen::VectorXd z(size);
    for (Eigen::Index i = 0; i + 1 < size; ++i) {
      z(i) = examples.features[t][static_cast<std::size_t>(i)];
    }
    z(size - 1) = 1.0;
    precision += weights[t] / noise * z * z.transpose();
    sum += weights[t] / noise * examples.targets[t] * z;
  }
  const Eigen::MatrixXd covariance = precision.inverse();
  return {covariance * sum, covariance};
}

BayesLinearLearner make_bayes(const BayesLinearConfig& config, std::size_t features) {
  return BayesLinearLearner::make(config, {.features = features}).value();
}

TEST(BayesLinear, IsThePosteriorOfAllExamplesAtOnce) {
  const test::Examples examples = test::make_examples(200, 11, false, 1);
  std::vector<double> weights;
  for (std::size_t t = 0; t < examples.count(); ++t) {
    weights.push_back(0.5 + static_cast<double>(t % 3));
  }
  std::vector<double> prior(12, 0.5);
  prior.back() = 7.0;
  BayesLinearLearner learner =
      make_bayes({.prior_variance = 0.5, .constant_variance = 7.0, .noise = 0.3}, 11);
  for (std::size_t t = 0; t < examples.count(); ++t) {
    ASSERT_EQ(learner.partial_fit({.dense = examples.features[t]}, examples.targets[t], weights[t]),
              Errc::ok);
  }
  const Posterior expected = batch(examples, weights, prior, 0.3);
  // 200 rank-one steps round about 1e-16 each, relative to a prior that is 5e2 of the result.
  for (std::size_t i = 0; i <= 11; ++i) {
    const double mean = i < 11 ? learner.weight(i) : learner.intercept();
    EXPECT_NEAR(mean, expected.mean(static_cast<Eigen::Index>(i)), 1e-11);
    for (std::size_t j = 0; j <= 11; ++j) {
      EXPECT_NEAR(learner.covariance(i, j),
                  expected.covariance(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)), 1e-12);
    }
  }
  Eigen::VectorXd z = Eigen::VectorXd::Ones(12);
  const std::vector<double> ones(11, 1.0);
  const Prediction said = learner.predict_with_variance({.dense = ones});
  EXPECT_EQ(said.mean, learner.predict({.dense = ones}));
  EXPECT_NEAR(said.variance, z.dot(expected.covariance * z), 1e-11);
}

// f^age weights, with a prior that no longer counts: 0.95^1000 = 5e-23 of 1e-6.
TEST(BayesLinear, ForgettingIsWeightedLeastSquares) {
  const test::Examples examples = test::make_examples(1000, 4, false, 2);
  std::vector<double> weights(examples.count());
  for (std::size_t t = 0; t < weights.size(); ++t) {
    weights[t] = std::pow(0.95, static_cast<double>(weights.size() - 1 - t));
  }
  BayesLinearLearner learner =
      make_bayes({.prior_variance = 1e6, .constant_variance = 1e6, .forgetting = 0.95}, 4);
  for (std::size_t t = 0; t < examples.count(); ++t) {
    ASSERT_EQ(learner.partial_fit({.dense = examples.features[t]}, examples.targets[t], 1.0), Errc::ok);
  }
  const Posterior expected = batch(examples, weights, std::vector<double>(5, 1e9), 1.0);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(learner.weight(i), expected.mean(static_cast<Eigen::Index>(i)), 1e-7);
    EXPECT_NEAR(learner.covariance(i, i),
                expected.covariance(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(i)), 1e-7);
  }
}

TEST(BayesLinear, ADirectionThatIsNotSeenDoesNotWindUp) {
  BayesLinearLearner learner = make_bayes({.prior_variance = 2.0, .forgetting = 0.9}, 2);
  const std::vector<double> seen{1.0, 0.0};
  for (int t = 0; t < 5000; ++t) {
    ASSERT_EQ(learner.partial_fit({.dense = seen}, 1.0, 1.0), Errc::ok);
  }
  EXPECT_LE(learner.covariance(1, 1), 2.0 + 1e-12);
  EXPECT_LT(learner.covariance(0, 0) + learner.covariance(2, 2) + 2.0 * learner.covariance(0, 2), 0.2);
}

// With a flat prior the mode of all examples is the maximum of the likelihood. One pass of Laplace's
// approximation is not exact: it differs by O(1/n), a small part of a weight's deviation, about 0.05 here.
TEST(BayesLinear, LogisticComesNearTheMaximumOfTheLikelihood) {
  const test::Examples coin = test::make_examples(5000, 3, true, 3);
  const std::vector<double> expected = test::logistic_regression(coin);
  BayesLinearLearner learner = make_bayes({.loss = Loss::logistic, .prior_variance = 100.0}, 3);
  for (std::size_t t = 0; t < coin.count(); ++t) {
    ASSERT_EQ(learner.partial_fit({.dense = coin.features[t]}, coin.targets[t], 1.0), Errc::ok);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(learner.weight(i), expected[i], 0.5 * std::sqrt(learner.covariance(i, i)));
  }
  EXPECT_NEAR(learner.intercept(), expected.back(), 0.5 * std::sqrt(learner.covariance(3, 3)));
}

TEST(BayesLinear, WhatIsUncertainIsNearerToAHalf) {
  BayesLinearLearner learner = make_bayes({.loss = Loss::logistic}, 1);
  const std::vector<double> x{1.0};
  for (int t = 0; t < 5; ++t) {
    ASSERT_EQ(learner.partial_fit({.dense = x}, 1.0, 1.0), Errc::ok);
  }
  const Prediction said = learner.predict_with_variance({.dense = x});
  EXPECT_LT(said.mean, learner.predict({.dense = x}));
  EXPECT_GT(said.mean, 0.5);
}

// Of 20,000 targets 95 % lie within 1.96 deviations, with a standard error of 0.0015; five of them.
TEST(BayesLinear, IntervalsHoldWhatTheySay) {
  Rng rng(4);
  int inside = 0;
  int all = 0;
  for (std::uint64_t world = 0; world < 200; ++world) {
    BayesLinearLearner learner =
        make_bayes({.prior_variance = 1.0, .constant_variance = 1.0, .noise = 0.25}, 3);
    const std::vector<double> truth{sample_normal(rng), sample_normal(rng), sample_normal(rng)};
    const double constant = sample_normal(rng);
    for (int t = 0; t < 100; ++t) {
      std::vector<double> x(3);
      double target = constant + 0.5 * sample_normal(rng);
      for (std::size_t i = 0; i < 3; ++i) {
        x[i] = sample_normal(rng);
        target += x[i] * truth[i];
      }
      const Prediction said = learner.predict_with_variance({.dense = x});
      inside += std::abs(target - said.mean) < 1.959964 * std::sqrt(said.variance + 0.25) ? 1 : 0;
      ++all;
      ASSERT_EQ(learner.partial_fit({.dense = x}, target, 1.0), Errc::ok);
    }
  }
  // Rows of one world share its weights: at most 100 rows count as one where they err together, which they do
  // only in the first few. 0.95 +- 5 * 0.0015 * 2.
  EXPECT_NEAR(static_cast<double>(inside) / all, 0.95, 0.015);
}

TEST(BayesLinear, HasTheMannersOfALearner) { test::expect_learner_manners<BayesLinearLearner>({}); }

TEST(BayesLinear, RefusesOptionsOutOfRange) {
  EXPECT_EQ(BayesLinearLearner::make({.forgetting = 0.1}, {.features = 1}).error().code,
            Errc::invalid_config);
  EXPECT_EQ(BayesLinearLearner::make({.noise = 0.0}, {.features = 1}).error().code, Errc::invalid_config);
  EXPECT_EQ(BayesLinearLearner::make({}, {.features = 1025}).error().code, Errc::invalid_config);
}

}  // namespace
}  // namespace attune::bayes_linear_test
