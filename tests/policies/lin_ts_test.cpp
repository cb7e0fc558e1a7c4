// SPDX-License-Identifier: Apache-2.0
// The laws that hold for every bandit are in tests/laws/ and run for LinTs too.
#include <attune/policies/lin_ts.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>
#include <Eigen/Dense>
#include <boost/math/distributions/normal.hpp>

#include <attune/core/sampling.hpp>

#include "tests/support/statistics.hpp"

namespace attune::lin_ts_test {
namespace {

using Point = std::vector<double>;

LinTs make_lin_ts(std::size_t arms, std::size_t features, const LinTsConfig& config = {}) {
  return LinTs::make(config, {.arms = arms, .features = features}).value();
}

Context context_of(const Point& x) { return {.input = {.dense = x}}; }

// Three arms with different histories in three dimensions.
LinTs trained() {
  LinTs policy = make_lin_ts(3, 3, {.scale = 0.8});
  Rng world(4);
  for (int t = 0; t < 60; ++t) {
    Point x{sample_normal(world), sample_normal(world), sample_normal(world)};
    const std::size_t arm = world.below(10) < 7 ? 0 : 1 + world.below(2);
    const double reward = 0.3 * static_cast<double>(arm) + 0.2 * x[arm] + 0.1 * sample_normal(world);
    EXPECT_EQ(policy.update({.arm = to_arm(arm), .reward = reward, .input = {.dense = x}}), Errc::ok);
  }
  return policy;
}

TEST(LinTs, AScoreIsNormalWithTheStatedMeanAndDeviation) {
  LinTs policy = make_lin_ts(1, 2, {.scale = 0.5});
  const Point seen{1.0, 0.0};
  ASSERT_EQ(policy.update({.arm = to_arm(0), .reward = 3.0, .input = {.dense = seen}}), Errc::ok);
  // A = diag(2, 1), theta = (3/2, 0): at x = (1, 1) mean 3/2, deviation 0.5 sqrt(1/2 + 1).
  const boost::math::normal expected(1.5, 0.5 * std::sqrt(1.5));
  std::vector<double> scores;
  for (std::uint64_t t = 0; t < 20'000; ++t) {
    Rng rng(3, 0, t);
    const Choice choice = policy.select(context_of({1.0, 1.0}), rng);
    ASSERT_TRUE(std::isnan(choice.propensity));
    ASSERT_TRUE(choice.greedy);
    scores.push_back(choice.score);
  }
  EXPECT_TRUE(test::follows(scores, [&](double s) { return boost::math::cdf(expected, s); }));
}

// The claim that one normal an arm is the same as a whole vector of coefficients: frequencies of the choice
// against sampling theta ~ Normal(theta_a, v^2 P_a) by Cholesky factors, arm by arm.
TEST(LinTs, ChoicesAreDistributedAsWithWholeDrawsOfTheta) {
  const LinTs policy = trained();
  const Point x{0.7, -0.4, 0.9};
  const Eigen::Vector3d v(x[0], x[1], x[2]);
  std::array<Eigen::Matrix3d, 3> factor;
  std::array<Eigen::Vector3d, 3> theta;
  for (std::size_t arm = 0; arm < 3; ++arm) {
    Eigen::Matrix3d p;
    for (int i = 0; i < 3; ++i) {
      theta.at(arm)(i) = policy.models().coefficients(arm)[static_cast<std::size_t>(i)];
      for (int j = 0; j < 3; ++j) {
        p(i, j) = policy.models().covariance(arm, static_cast<std::size_t>(i), static_cast<std::size_t>(j));
      }
    }
    factor.at(arm) = 0.8 * Eigen::Matrix3d(p.llt().matrixL());
  }
  constexpr std::uint64_t kDraws = 400'000;  // ten times as many as below: its own noise adds a tenth
  std::array<double, 3> whole{};
  Rng draws(99);
  for (std::uint64_t t = 0; t < kDraws; ++t) {
    std::size_t best = 0;
    double best_score = -1e300;
    for (std::size_t arm = 0; arm < 3; ++arm) {
      Eigen::Vector3d noise;
      for (int i = 0; i < 3; ++i) {
        noise(i) = sample_normal(draws);
      }
      const double score = v.dot(theta.at(arm) + factor.at(arm) * noise);
      if (score > best_score) {
        best_score = score;
        best = arm;
      }
    }
    whole.at(best) += 1.0;
  }
  std::array<double, 3> counts{};
  std::array<double, 3> probability{};
  for (std::uint64_t t = 0; t < kDraws / 10; ++t) {
    Rng rng(5, 0, t);
    counts.at(to_index(policy.select(context_of(x), rng).arm)) += 1.0;
  }
  for (std::size_t arm = 0; arm < 3; ++arm) {
    EXPECT_GT(counts.at(arm), 500.0);  // all arms matter in this comparison
    probability.at(arm) = whole.at(arm) / static_cast<double>(kDraws);
  }
  EXPECT_TRUE(test::matches_probabilities(counts, probability));
}

TEST(LinTs, WithoutScaleItIsGreedy) {
  LinTs policy = make_lin_ts(2, 1, {.scale = 0.0});
  const Point x{1.0};
  ASSERT_EQ(policy.update({.arm = to_arm(1), .reward = -1.0, .input = {.dense = x}}), Errc::ok);
  for (std::uint64_t t = 0; t < 20; ++t) {
    Rng rng(1, 0, t);
    const Choice choice = policy.select(context_of(x), rng);
    EXPECT_EQ(choice.arm, to_arm(0));
    EXPECT_EQ(choice.score, 0.0);
  }
}

TEST(LinTs, FindsTheBestArm) {
  LinTs policy = make_lin_ts(4, 2);
  Rng world(21);
  int best_chosen = 0;
  for (std::uint64_t t = 0; t < 3000; ++t) {
    const Point x{1.0, sample_normal(world)};
    const std::size_t best = x[1] > 0.0 ? 2 : 1;
    Rng rng(9, 0, t);
    const Choice choice = policy.select(context_of(x), rng);
    best_chosen += t >= 1000 && to_index(choice.arm) == best ? 1 : 0;
    const std::array<double, 4> mean{0.0, -x[1], x[1], -1.0};
    const double reward = mean.at(to_index(choice.arm)) + 0.3 * sample_normal(world);
    ASSERT_EQ(policy.update({.arm = choice.arm, .reward = reward, .input = {.dense = x}}), Errc::ok);
  }
  EXPECT_GT(best_chosen, 1800);  // of 2000; contexts near 0 have no clear best
}

}  // namespace
}  // namespace attune::lin_ts_test
