// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/thompson_beta.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>

#include "tests/support/statistics.hpp"

namespace attune::thompson_beta_test {
namespace {

ThompsonBeta make_policy(std::size_t arms, const ThompsonBetaConfig& config = {}) {
  return ThompsonBeta::make(config, {.arms = arms}).value();
}

void learn(ThompsonBeta& policy, std::size_t arm, double reward, double weight = 1.0) {
  ASSERT_EQ(policy.update({.arm = to_arm(arm), .reward = reward, .weight = weight}), Errc::ok);
}

TEST(ThompsonBeta, CountsSuccessesAndFailures) {
  ThompsonBeta policy = make_policy(2, {.alpha = 2.0, .beta = 3.0});
  learn(policy, 0, 1.0);
  learn(policy, 0, 0.25);
  learn(policy, 0, 0.5, 4.0);
  EXPECT_EQ(policy.alpha(to_arm(0)), 2.0 + 1.0 + 0.25 + 2.0);
  EXPECT_EQ(policy.beta(to_arm(0)), 3.0 + 0.0 + 0.75 + 2.0);
  EXPECT_EQ(policy.alpha(to_arm(1)), 2.0);
  EXPECT_EQ(policy.beta(to_arm(1)), 3.0);
}

TEST(ThompsonBeta, DrawsFromThePosterior) {
  for (const auto& [alpha, beta] : {std::array{1.0, 1.0}, std::array{0.3, 0.6}, std::array{9.5, 3.25}}) {
    const ThompsonBeta policy = make_policy(1, {.alpha = alpha, .beta = beta});
    const boost::math::beta_distribution<> posterior(alpha, beta);
    std::vector<double> draws;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
      Rng rng(1, 0, i);
      const Choice choice = policy.select({}, rng);
      EXPECT_EQ(choice.propensity, 1.0);
      draws.push_back(choice.score);
    }
    EXPECT_TRUE(test::follows(draws, [&](double x) { return boost::math::cdf(posterior, x); }));
  }
}

TEST(ThompsonBeta, ChoosesAnArmAsOftenAsItIsLikelyToBeTheBest) {
  ThompsonBeta policy = make_policy(2);
  learn(policy, 0, 0.6, 10.0);  // Beta(7, 5)
  learn(policy, 1, 0.5, 4.0);   // Beta(3, 3)
  const boost::math::beta_distribution<> first(7, 5);
  const boost::math::beta_distribution<> second(3, 3);
  const double probability = boost::math::quadrature::gauss_kronrod<double, 61>::integrate(
      [&](double x) { return boost::math::pdf(first, x) * boost::math::cdf(second, x); }, 0.0, 1.0);
  std::array<double, 2> counts{};
  for (std::uint64_t i = 0; i < 40'000; ++i) {
    Rng rng(2, 0, i);
    const Choice choice = policy.select({}, rng);
    ASSERT_TRUE(std::isnan(choice.propensity));
    ASSERT_EQ(choice.greedy, choice.arm == to_arm(0));
    counts.at(to_index(choice.arm)) += 1.0;
  }
  EXPECT_TRUE(test::matches_probabilities(counts, std::array{probability, 1.0 - probability}));
}

TEST(ThompsonBeta, ADiscountLetsAllArmsForget) {
  ThompsonBeta policy = make_policy(2, {.discount = 0.5});
  learn(policy, 0, 1.0);
  learn(policy, 1, 0.0);
  learn(policy, 0, 1.0);
  // Arm 0: (1 * 0.5) * 0.5 + 1; arm 1: 1 * 0.5. The prior stays.
  EXPECT_EQ(policy.alpha(to_arm(0)), 1.0 + 1.25);
  EXPECT_EQ(policy.beta(to_arm(1)), 1.0 + 0.5);
  for (int i = 0; i < 400; ++i) {
    learn(policy, 0, 1.0);
  }
  EXPECT_EQ(policy.beta(to_arm(1)), 1.0);
  EXPECT_NEAR(policy.alpha(to_arm(0)), 3.0, 1e-15);  // remembers 1 / (1 - 0.5) updates
}

TEST(ThompsonBeta, FollowsAChangeWithADiscountAndNotWithout) {
  const auto share_after_change = [](double discount) {
    ThompsonBeta policy = make_policy(2, {.discount = discount});
    int hits = 0;
    for (std::uint64_t t = 0; t < 4'000; ++t) {
      Rng rng(3, 0, t);
      const Choice choice = policy.select({}, rng);
      const bool best = (choice.arm == to_arm(0)) == (t < 3'000);
      EXPECT_EQ(policy.update({.arm = choice.arm, .reward = rng.uniform() < (best ? 0.8 : 0.2) ? 1.0 : 0.0}),
                Errc::ok);
      hits += t >= 3'200 && best ? 1 : 0;
    }
    return hits / 800.0;
  };
  EXPECT_GT(share_after_change(0.98), 0.8);
  EXPECT_LT(share_after_change(1.0), 0.2);
}

TEST(ThompsonBeta, PlaysTheWorseArmSeldom) {
  // Agrawal and Goyal's bound is asymptotic; UCB1's Theorem 1 is not, and Thompson sampling is well below it.
  constexpr int kRounds = 5'000;
  constexpr double kGap = 0.3;
  int worse = 0;
  for (std::uint64_t run = 0; run < 10; ++run) {
    Rng rng(run);
    ThompsonBeta policy = make_policy(2);
    for (int t = 0; t < kRounds; ++t) {
      const Choice choice = policy.select({}, rng);
      const double p = choice.arm == to_arm(0) ? 0.6 : 0.6 - kGap;
      learn(policy, to_index(choice.arm), rng.uniform() < p ? 1.0 : 0.0);
      worse += choice.arm == to_arm(1) ? 1 : 0;
    }
  }
  EXPECT_LT(worse, 10 * static_cast<int>(8.0 * std::log(kRounds) / (kGap * kGap)) / 4);
  EXPECT_GT(worse, 10);
}

TEST(ThompsonBeta, RefusesRewardsOutsideTheUnitInterval) {
  ThompsonBeta policy = make_policy(2);
  const ThompsonBeta before = policy;
  for (const double reward : {-0.001, 1.001, -1e300, 1e300}) {
    EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = reward}), Errc::invalid_argument);
  }
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = 0.5, .weight = 1e308}), Errc::ok);
  const ThompsonBeta heavy = policy;
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = 0.5, .weight = 1.7e308}), Errc::non_finite);
  EXPECT_EQ(policy, heavy);
  EXPECT_NE(policy, before);
  EXPECT_EQ(policy.warm_start(to_arm(0), {.mean = 1.5, .weight = 1.0}).error().message,
            "prior mean = 1.5 is outside [0, 1]");
}

TEST(ThompsonBeta, HugeAndTinyCountsStillGiveDraws) {
  ThompsonBeta policy = make_policy(3, {.alpha = 1e-3, .beta = 1e-3});
  learn(policy, 0, 1.0, 1e15);
  learn(policy, 1, 0.5, 1e300);
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    Rng rng(4, 0, i);
    const Choice choice = policy.select({}, rng);
    ASSERT_EQ(choice.status, Errc::ok);
    ASSERT_GE(choice.score, 0.0);
    ASSERT_LE(choice.score, 1.0);
  }
}

TEST(ThompsonBeta, RejectsBadConfigurationByName) {
  EXPECT_EQ(ThompsonBeta::make({.alpha = 0.0}, {.arms = 2}).error().message,
            "alpha = 0 is outside [0.001, 1e+09]");
  EXPECT_FALSE(ThompsonBeta::make({.discount = 1.1}, {.arms = 2}));
}

}  // namespace
}  // namespace attune::thompson_beta_test
