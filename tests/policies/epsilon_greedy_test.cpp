// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/epsilon_greedy.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/statistics.hpp"

namespace attune::epsilon_greedy_test {
namespace {

EpsilonGreedy make_policy(std::size_t arms, const EpsilonGreedyConfig& config = {}) {
  return EpsilonGreedy::make(config, {.arms = arms}).value();
}

constexpr EpsilonGreedyConfig kConstant{.epsilon = 0.1, .schedule = EpsilonSchedule::constant};

void learn(EpsilonGreedy& policy, std::size_t arm, double reward, double weight = 1.0) {
  ASSERT_EQ(policy.update({.arm = to_arm(arm), .reward = reward, .weight = weight}), Errc::ok);
}

TEST(EpsilonGreedy, ProbabilitiesMatchTheFormula) {
  EpsilonGreedy policy = make_policy(4, kConstant);
  for (const std::size_t arm : {0, 1, 2, 3}) {
    learn(policy, arm, arm == 2 ? 0.9 : 0.1);
  }
  std::array<double, 4> probabilities{};
  ASSERT_EQ(policy.probabilities({}, probabilities), Errc::ok);
  // 0.1 / 4 each, and 0.9 for the best.
  EXPECT_EQ(probabilities, (std::array{0.025, 0.025, 0.925, 0.025}));
}

TEST(EpsilonGreedy, TiedArmsShareTheGreedyPart) {
  EpsilonGreedy policy = make_policy(4, kConstant);
  for (const std::size_t arm : {0, 1, 2, 3}) {
    learn(policy, arm, arm < 2 ? 0.9 : 0.1);
  }
  std::array<double, 4> probabilities{};
  ASSERT_EQ(policy.probabilities({}, probabilities), Errc::ok);
  for (const std::size_t arm : {0, 1, 2, 3}) {
    EXPECT_NEAR(probabilities.at(arm), arm < 2 ? 0.475 : 0.025, 1e-16);  // 0.9 / 2 + 0.1 / 4: two roundings
  }
}

TEST(EpsilonGreedy, GreedyMeansThatNoArmLooksBetter) {
  EpsilonGreedy policy = make_policy(3, {.epsilon = 0.5, .schedule = EpsilonSchedule::constant});
  for (const std::size_t arm : {0, 1, 2}) {
    learn(policy, arm, arm == 1 ? 0.9 : 0.1);
  }
  std::array<double, 2> counts{};
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    Rng rng(1, 0, i);
    const Choice choice = policy.select({}, rng);
    ASSERT_EQ(choice.greedy, choice.arm == to_arm(1));
    counts.at(choice.greedy ? 0 : 1) += 1.0;
  }
  // Exploration shows as often as it is configured, less the random choices that hit the best arm.
  EXPECT_TRUE(test::matches_probabilities(counts, std::array{2.0 / 3.0, 1.0 / 3.0}));
}

TEST(EpsilonGreedy, ForcesTheMinimumOfTrialsAndCountsPendingOnes) {
  EpsilonGreedy policy = make_policy(3, {.min_trials = 3});
  Rng rng(2);
  std::array<int, 3> pulls{};
  for (int i = 0; i < 9; ++i) {
    const Choice choice = policy.select({}, rng);
    EXPECT_FALSE(choice.greedy);
    const auto open = static_cast<double>(std::ranges::count_if(pulls, [](int n) { return n < 3; }));
    EXPECT_EQ(choice.propensity, 1.0 / open);
    ASSERT_EQ(policy.note_pull(choice.arm), Errc::ok);
    ++pulls.at(to_index(choice.arm));
  }
  EXPECT_EQ(pulls, (std::array<int, 3>{3, 3, 3}));
  ASSERT_EQ(policy.note_lost(to_arm(1)), Errc::ok);
  EXPECT_EQ(policy.select({}, rng).arm, to_arm(1));
}

TEST(EpsilonGreedy, ANewArmIsForcedAndAWarmStartCountsAsTrials) {
  EpsilonGreedy policy = make_policy(2, {.min_trials = 2});
  for (const std::size_t arm : {0, 0, 1, 1}) {
    learn(policy, arm, 0.5);
  }
  const ArmIndex added = policy.add_arm().value();
  Rng rng(3);
  EXPECT_EQ(policy.select({}, rng).arm, added);
  ASSERT_TRUE(policy.warm_start(added, {.mean = 0.25, .weight = 1.9}));
  EXPECT_EQ(policy.select({}, rng).arm, added);  // 1.9 rewards are one trial
  ASSERT_TRUE(policy.warm_start(added, {.mean = 0.25, .weight = 1.0}));
  EXPECT_EQ(policy.mean(added), 0.25);
  std::array<double, 3> probabilities{};
  ASSERT_EQ(policy.probabilities({}, probabilities), Errc::ok);
  EXPECT_LT(probabilities.at(2), 0.5);
}

TEST(EpsilonGreedy, WithoutForcingTheInitialMeanDecides) {
  EpsilonGreedy policy = make_policy(
      2, {.epsilon = 0.0, .schedule = EpsilonSchedule::constant, .min_trials = 0, .initial_mean = 1.0});
  learn(policy, 0, 0.5);
  Rng rng(4);
  EXPECT_EQ(policy.select({}, rng).arm, to_arm(1));  // optimism
  learn(policy, 1, 0.25);                            // the guess is replaced, not averaged
  EXPECT_EQ(policy.mean(to_arm(1)), 0.25);
  EXPECT_EQ(policy.select({}, rng).arm, to_arm(0));
}

TEST(EpsilonGreedy, InverseTimeFollowsItsFormula) {
  const EpsilonGreedyConfig config{.epsilon = 0.8, .decay_start = 10.0, .exponent = 0.5, .epsilon_min = 0.1};
  EpsilonGreedy policy = make_policy(1, config);
  for (int t = 0; t <= 2'000; ++t) {
    // Reaches the floor at 10 * 8^2 = 640.
    const double expected = std::max(0.1, 0.8 * std::min(1.0, std::sqrt(10.0 / std::max(t, 1))));
    ASSERT_NEAR(policy.epsilon(), expected, 1e-15) << t;
    learn(policy, 0, 0.5);
  }
  EXPECT_EQ(policy.epsilon(), 0.1);
}

TEST(EpsilonGreedy, ExponentialFollowsItsFormula) {
  EpsilonGreedy policy = make_policy(
      1, {.epsilon = 0.5, .schedule = EpsilonSchedule::exponential, .decay_rate = 0.01, .epsilon_min = 0.02});
  for (int t = 0; t <= 1'000; ++t) {
    ASSERT_NEAR(policy.epsilon(), std::max(0.02, 0.5 * std::exp(-0.01 * t)), 1e-15) << t;
    learn(policy, 0, 0.5);
  }
  EXPECT_EQ(policy.epsilon(), 0.02);
}

TEST(EpsilonGreedy, WithoutAFloorItDecaysForGood) {
  EpsilonGreedy policy =
      make_policy(1, {.epsilon = 1.0, .decay_start = 1.0, .exponent = 1.0, .epsilon_min = 0.0});
  for (int t = 0; t < 10'000; ++t) {
    learn(policy, 0, 0.5);
  }
  EXPECT_NEAR(policy.epsilon(), 1e-4, 1e-18);
}

TEST(EpsilonGreedy, PendingPullsAreTimeToo) {
  EpsilonGreedy policy = make_policy(2, {.decay_start = 1.0});
  ASSERT_EQ(policy.note_pull(to_arm(0)), Errc::ok);
  ASSERT_EQ(policy.note_pull(to_arm(0)), Errc::ok);
  EXPECT_NEAR(policy.epsilon(), 0.1 / std::cbrt(2.0), 1e-16);
  ASSERT_EQ(policy.note_lost(to_arm(0)), Errc::ok);
  EXPECT_EQ(policy.epsilon(), 0.1);
}

TEST(EpsilonGreedy, RegretGrowsNoFasterThanTheTwoThirdsPower) {
  // Slivkins (2019), section 1.2: with t^(-1/3) and no floor the regret is of order t^(2/3); a constant
  // epsilon has a regret of epsilon * gap / 2 per step. Over eight times the steps the first may grow by 4,
  // the second by 8.
  const EpsilonGreedyConfig config{.epsilon = 1.0, .decay_start = 2.0, .epsilon_min = 0.0};
  const auto regret = [&config](int steps) {
    double sum = 0.0;
    for (std::uint64_t run = 0; run < 20; ++run) {
      EpsilonGreedy policy = make_policy(2, config);
      Rng rng(5, run);
      for (int t = 0; t < steps; ++t) {
        const Choice choice = policy.select({}, rng);
        const double p = choice.arm == to_arm(0) ? 0.5 : 0.8;
        EXPECT_EQ(policy.update({.arm = choice.arm, .reward = rng.uniform() < p ? 1.0 : 0.0}), Errc::ok);
        sum += 0.8 - p;
      }
    }
    return sum;
  };
  EXPECT_LT(regret(16'000), std::sqrt(4.0 * 8.0) * regret(2'000));
}

TEST(EpsilonGreedy, LearnsFromNegativeAndHugeRewards) {
  EpsilonGreedy policy = make_policy(2, {.epsilon = 0.0, .schedule = EpsilonSchedule::constant});
  learn(policy, 0, -1e300);
  learn(policy, 1, -1.0);
  Rng rng(6);
  EXPECT_EQ(policy.select({}, rng).arm, to_arm(1));
  learn(policy, 1, -1.7e308, 1e300);
  const EpsilonGreedy before = policy;
  EXPECT_EQ(policy.update({.arm = to_arm(1), .reward = 1.7e308, .weight = 1e300}), Errc::non_finite);
  EXPECT_EQ(policy, before);
}

TEST(EpsilonGreedy, RejectsBadConfigurationByName) {
  const Result<EpsilonGreedy> floor = EpsilonGreedy::make({.epsilon = 0.01}, {.arms = 2});
  ASSERT_FALSE(floor);
  EXPECT_EQ(floor.error().code, Errc::invalid_config);
  EXPECT_EQ(floor.error().message, "epsilon_min = 0.05 is above epsilon = 0.01");
  EXPECT_TRUE(EpsilonGreedy::make({.epsilon = 0.01, .schedule = EpsilonSchedule::constant}, {.arms = 2}));
  EXPECT_EQ(EpsilonGreedy::make({.epsilon = 1.5}, {.arms = 2}).error().message,
            "epsilon = 1.5 is outside [0, 1]");
}

}  // namespace
}  // namespace attune::epsilon_greedy_test
