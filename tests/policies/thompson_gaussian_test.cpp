// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/thompson_gaussian.hpp>

#include <array>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/quadrature/tanh_sinh.hpp>

#include <attune/core/sampling.hpp>

#include "tests/support/statistics.hpp"

namespace attune::thompson_gaussian_test {
namespace {

using Posterior = ThompsonGaussian::Posterior;

ThompsonGaussian make_policy(std::size_t arms, const ThompsonGaussianConfig& config = {}) {
  return ThompsonGaussian::make(config, {.arms = arms}).value();
}

void learn(ThompsonGaussian& policy, std::size_t arm, double reward, double weight = 1.0) {
  ASSERT_EQ(policy.update({.arm = to_arm(arm), .reward = reward, .weight = weight}), Errc::ok);
}

/// Distribution function of the mean's marginal.
double marginal(const Posterior& posterior, double x) {
  const double unit = std::sqrt(posterior.scale / (posterior.shape * posterior.weight));
  return boost::math::cdf(boost::math::students_t(2.0 * posterior.shape), (x - posterior.mean) / unit);
}

TEST(ThompsonGaussian, OneRewardMatchesTheFormulaByHand) {
  ThompsonGaussian policy = make_policy(1);
  learn(policy, 0, 3.0);
  // m = 0 + 1 (3 - 0) / (1 + 1); k = 2; shape = 1.5; scale = 1 + 1 * 1 * 9 / (2 * 2).
  EXPECT_EQ(policy.posterior(to_arm(0)),
            (Posterior{.mean = 1.5, .weight = 2.0, .shape = 1.5, .scale = 3.25}));
}

TEST(ThompsonGaussian, ManyRewardsMatchTheFormulaForAllAtOnce) {
  const ThompsonGaussianConfig config{
      .prior_mean = 2.0, .prior_weight = 0.5, .prior_shape = 3.0, .prior_scale = 4.0};
  ThompsonGaussian policy = make_policy(1, config);
  const std::array<double, 6> rewards{1.5, -2.0, 7.25, 3.0, 3.5, 0.0};
  double sum = 0.0;
  for (const double reward : rewards) {
    learn(policy, 0, reward);
    sum += reward;
  }
  const double n = 6.0;
  const double average = sum / n;
  double squares = 0.0;
  for (const double reward : rewards) {
    squares += (reward - average) * (reward - average);
  }
  // Murphy (2007), equations 141 to 144 in the notation of the class.
  const Posterior posterior = policy.posterior(to_arm(0));
  EXPECT_NEAR(posterior.mean, (0.5 * 2.0 + sum) / (0.5 + n), 1e-14);
  EXPECT_EQ(posterior.weight, 0.5 + n);
  EXPECT_EQ(posterior.shape, 3.0 + n / 2.0);
  EXPECT_NEAR(posterior.scale,
              4.0 + 0.5 * squares + 0.5 * n * (average - 2.0) * (average - 2.0) / (0.5 + n) * 0.5, 1e-13);
}

TEST(ThompsonGaussian, AWeightOfThreeIsThreeEqualRewards) {
  ThompsonGaussian weighted = make_policy(1);
  ThompsonGaussian repeated = make_policy(1);
  learn(weighted, 0, 2.0, 3.0);
  for (int i = 0; i < 3; ++i) {
    learn(repeated, 0, 2.0);
  }
  const Posterior one = weighted.posterior(to_arm(0));
  const Posterior other = repeated.posterior(to_arm(0));
  EXPECT_NEAR(one.mean, other.mean, 1e-15);
  EXPECT_EQ(one.weight, other.weight);
  EXPECT_EQ(one.shape, other.shape);
  EXPECT_NEAR(one.scale, other.scale, 1e-15);
}

TEST(ThompsonGaussian, DrawsFromTheStudentMarginal) {
  for (const int rewards : {0, 1, 40}) {
    ThompsonGaussian policy = make_policy(1);
    Rng data(1);
    for (int i = 0; i < rewards; ++i) {
      learn(policy, 0, 5.0 + 2.0 * sample_normal(data));
    }
    const Posterior posterior = policy.posterior(to_arm(0));
    std::vector<double> draws;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
      Rng rng(2, 0, i);
      draws.push_back(policy.select({}, rng).score);
    }
    EXPECT_TRUE(test::follows(draws, [&](double x) { return marginal(posterior, x); })) << rewards;
  }
}

TEST(ThompsonGaussian, ChoosesAnArmAsOftenAsItIsLikelyToBeTheBest) {
  ThompsonGaussian policy = make_policy(2);
  for (const double reward : {1.0, 2.0, 0.5, 1.5}) {
    learn(policy, 0, reward);
  }
  for (const double reward : {1.0, 3.0}) {
    learn(policy, 1, reward);
  }
  const Posterior first = policy.posterior(to_arm(0));
  const Posterior second = policy.posterior(to_arm(1));
  const double unit = std::sqrt(first.scale / (first.shape * first.weight));
  const boost::math::students_t student(2.0 * first.shape);
  // P(first > second), over the quantiles of the first.
  boost::math::quadrature::tanh_sinh<double> integrator;
  const double probability = integrator.integrate(
      [&](double p) { return marginal(second, first.mean + unit * boost::math::quantile(student, p)); }, 0.0,
      1.0);
  std::array<double, 2> counts{};
  for (std::uint64_t i = 0; i < 40'000; ++i) {
    Rng rng(3, 0, i);
    const Choice choice = policy.select({}, rng);
    ASSERT_TRUE(std::isnan(choice.propensity));
    ASSERT_EQ(choice.greedy, (choice.arm == to_arm(0)) == (first.mean > second.mean));
    counts.at(to_index(choice.arm)) += 1.0;
  }
  EXPECT_TRUE(test::matches_probabilities(counts, std::array{probability, 1.0 - probability}));
}

TEST(ThompsonGaussian, AWarmStartMovesTheMeanAndSaysNothingOfTheVariance) {
  ThompsonGaussian policy = make_policy(1);
  ASSERT_TRUE(policy.warm_start(to_arm(0), {.mean = 8.0, .weight = 3.0}));
  EXPECT_EQ(policy.posterior(to_arm(0)), (Posterior{.mean = 6.0, .weight = 4.0, .shape = 1.0, .scale = 1.0}));
}

TEST(ThompsonGaussian, FindsTheBetterArmAlsoAmongNegativeRewards) {
  ThompsonGaussian policy = make_policy(3, {.prior_scale = 100.0});
  const std::array<double, 3> means{-12.0, -10.0, -11.0};
  int best = 0;
  for (std::uint64_t t = 0; t < 3'000; ++t) {
    Rng rng(4, 0, t);
    const Choice choice = policy.select({}, rng);
    learn(policy, to_index(choice.arm), means.at(to_index(choice.arm)) + sample_normal(rng));
    best += t >= 1'500 && choice.arm == to_arm(1) ? 1 : 0;
  }
  EXPECT_GT(best, 1'350);
  EXPECT_NEAR(policy.posterior(to_arm(1)).mean, -10.0, 0.2);
}

TEST(ThompsonGaussian, RefusesWhatWouldOverflow) {
  ThompsonGaussian policy = make_policy(2);
  const ThompsonGaussian before = policy;
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = 1e150}), Errc::non_finite);
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = -1e308}), Errc::non_finite);
  EXPECT_EQ(policy, before);
  learn(policy, 0, 1e90);
  learn(policy, 1, -1e90);
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    Rng rng(5, 0, i);
    ASSERT_TRUE(std::isfinite(policy.select({}, rng).score));
  }
}

TEST(ThompsonGaussian, RejectsBadConfigurationByName) {
  EXPECT_EQ(ThompsonGaussian::make({.prior_weight = 0.0}, {.arms = 2}).error().message,
            "prior_weight = 0 is outside [1e-06, 1e+09]");
  EXPECT_FALSE(ThompsonGaussian::make({.prior_scale = -1.0}, {.arms = 2}));
}

}  // namespace
}  // namespace attune::thompson_gaussian_test
