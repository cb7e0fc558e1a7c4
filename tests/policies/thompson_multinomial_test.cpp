// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/thompson_multinomial.hpp>

#include <array>
#include <cmath>
#include <span>

#include <gtest/gtest.h>

#include <attune/policies/thompson_beta.hpp>

namespace attune::thompson_multinomial_test {
namespace {

ThompsonMultinomial make(const ThompsonMultinomialConfig& config, std::size_t arms) {
  return ThompsonMultinomial::make(config, {.arms = arms}).value();
}
template <class P>
void learn(P& policy, std::size_t arm, double reward, double weight = 1.0) {
  ASSERT_EQ(policy.update({.arm = to_arm(arm), .reward = reward, .weight = weight}), Errc::ok);
}

TEST(GridMeans, SplitsRewardsWithoutMovingTheirMean) {
  GridMeans means({.arms = 1}, 5);
  for (const double reward : {0.0, 0.25, 0.3, 0.99, 1.0}) {
    ASSERT_EQ(means.update({.arm = to_arm(0), .reward = reward, .weight = 2.0}), Errc::ok);
  }
  double sum = 0.0;
  double first = 0.0;
  for (std::size_t i = 0; i < 5; ++i) {
    sum += means.counts(0)[i];
    first += means.counts(0)[i] * static_cast<double>(i) / 4.0;
  }
  EXPECT_NEAR(sum, 10.0, 1e-13);
  EXPECT_NEAR(first / sum, means.mean(0), 1e-14);
  EXPECT_EQ(means.counts(0)[0], 2.0);
  EXPECT_NEAR(means.counts(0)[1], 2.0 + 2.0 * 0.8, 1e-13);
}

TEST(GridMeans, AnArmThatIsForgottenOrResetHasNoCounts) {
  GridMeans means({.arms = 2}, 3);
  for (const std::size_t arm : {std::size_t{0}, std::size_t{1}}) {
    ASSERT_EQ(means.update({.arm = to_arm(arm), .reward = 0.7}), Errc::ok);
  }
  ASSERT_EQ(means.forget(to_arm(0), 0.5), Errc::ok);
  EXPECT_NEAR(means.counts(0)[1], 0.3, 1e-15);
  ASSERT_EQ(means.forget(kNoArm, 0.0), Errc::ok);
  EXPECT_EQ(means.counts(0)[1], 0.0);
  ASSERT_TRUE(means.warm_start(to_arm(1), {.mean = 1.0, .weight = 4.0}));
  EXPECT_EQ(means.counts(1)[2], 4.0);
  ASSERT_EQ(means.reset_arm(to_arm(1)), Errc::ok);
  EXPECT_EQ(means.counts(1)[2], 0.0);
}

// Dirichlet of parameters c: the mean of x is c'x / C, its variance (c'x^2 / C - mean^2) / (C + 1).
TEST(ThompsonMultinomial, DrawsMeansOfTheDirichletPosterior) {
  constexpr int kDraws = 200'000;
  ThompsonMultinomial policy = make({.support = 5, .prior = 0.5}, 1);
  learn(policy, 0, 0.25, 3.0);
  learn(policy, 0, 1.0, 2.0);
  const std::array<double, 5> parameters{0.5, 3.5, 0.5, 0.5, 2.5};
  double total = 0.0;
  double mean = 0.0;
  double squares = 0.0;
  for (std::size_t i = 0; i < 5; ++i) {
    const double x = static_cast<double>(i) / 4.0;
    total += parameters.at(i);
    mean += parameters.at(i) * x;
    squares += parameters.at(i) * x * x;
  }
  mean /= total;
  const double variance = (squares / total - mean * mean) / (total + 1.0);
  double found = 0.0;
  double found_squares = 0.0;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    Rng rng(1, 0, i);
    const double score = policy.select({}, rng).score;
    found += score / kDraws;
    found_squares += (score - mean) * (score - mean) / kDraws;
  }
  EXPECT_NEAR(found, mean, 4.9 * std::sqrt(variance / kDraws));
  // The fourth central moment of what lies in [0, 1] is no larger than its variance times a quarter.
  EXPECT_NEAR(found_squares, variance, 4.9 * std::sqrt(variance / 4.0 / kDraws));
}

/// Regret over `steps` of three arms whose rewards are uniform in mean +- 0.05.
template <class P>
double regret(P policy, std::uint64_t run, std::uint64_t steps) {
  const std::array<double, 3> means{0.5, 0.45, 0.4};
  double sum = 0.0;
  for (std::uint64_t i = 0; i < steps; ++i) {
    Rng rng(2, run, i);
    const std::size_t arm = to_index(policy.select({}, rng).arm);
    EXPECT_EQ(policy.update({.arm = to_arm(arm), .reward = means.at(arm) + 0.1 * (rng.uniform() - 0.5)}),
              Errc::ok);
    sum += means.at(0) - means.at(arm);
  }
  return sum;
}

// Rewards that spread little: what a coin of the same mean would cost is many times what they do. The lower
// bound of Burnetas and Katehakis is that of the distribution, and so is what Riou and Honda prove.
TEST(ThompsonMultinomial, RewardsThatSpreadLittleAreToldApartSooner) {
  double spread = 0.0;
  double coins = 0.0;
  constexpr int kRuns = 20;
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    spread += regret(make({}, 3), run, 4'000) / kRuns;
    coins += regret(ThompsonBeta::make({}, {.arms = 3}).value(), run, 4'000) / kRuns;
  }
  EXPECT_LT(spread, 0.4 * coins);
  EXPECT_GT(spread, 0.5) << "it must explore";
}

// On coins, C ln T with C of Lai and Robbins: 2.466 ln 5,000 = 21.0 for 0.6 and 0.4.
TEST(ThompsonMultinomial, TheRegretOnCoinsStaysBelowTheAsymptote) {
  constexpr int kRuns = 60;
  double sum = 0.0;
  double squares = 0.0;
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    ThompsonMultinomial policy = make({.support = 3}, 2);
    double regret = 0.0;
    for (std::uint64_t i = 0; i < 5'000; ++i) {
      Rng rng(3, run, i);
      const std::size_t arm = to_index(policy.select({}, rng).arm);
      learn(policy, arm, rng.uniform() < (arm == 0 ? 0.6 : 0.4) ? 1.0 : 0.0);
      regret += arm == 0 ? 0.0 : 0.2;
    }
    sum += regret;
    squares += regret * regret;
  }
  const double mean = sum / kRuns;
  const double error = std::sqrt((squares / kRuns - mean * mean) / kRuns);
  EXPECT_LT(mean + 3.0 * error, 21.0);
  EXPECT_GT(mean - 3.0 * error, 2.0) << "it must explore";
}

TEST(ThompsonMultinomial, RewardsOutsideTheUnitIntervalAndBadOptionsAreRefused) {
  ThompsonMultinomial policy = make({}, 1);
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = 1.01}), Errc::invalid_argument);
  const Result<ThompsonMultinomial> one = ThompsonMultinomial::make({.support = 1}, {.arms = 2});
  ASSERT_FALSE(one);
  EXPECT_EQ(one.error().message, "support = 1 is outside [2, 256]");
}

}  // namespace
}  // namespace attune::thompson_multinomial_test
