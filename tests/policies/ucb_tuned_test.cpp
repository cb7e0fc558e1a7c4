// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/ucb_tuned.hpp>

#include <array>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace attune::ucb_tuned_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

UcbTuned make_policy(std::size_t arms, const UcbTunedConfig& config = {}) {
  return UcbTuned::make(config, {.arms = arms}).value();
}

void learn(UcbTuned& policy, std::size_t arm, double reward, double weight = 1.0) {
  ASSERT_EQ(policy.update({.arm = to_arm(arm), .reward = reward, .weight = weight}), Errc::ok);
}

TEST(UcbTuned, IndexMatchesTheFormula) {
  UcbTuned policy = make_policy(2);
  learn(policy, 0, 1.0, 5'000.0);
  learn(policy, 0, 0.0, 5'000.0);
  learn(policy, 1, 0.5, 10'000.0);
  // ln 20000 / 10000 = 9.9034876e-4 = r; sqrt(2 r) = 0.04450503.
  // Arm 0: variance 1/4, V above 1/4:      0.5 + sqrt(r / 4)            = 0.5157349.
  // Arm 1: variance 0, V = sqrt(2 r):      0.5 + sqrt(r * 0.04450503)   = 0.5066389.
  EXPECT_NEAR(policy.index(to_arm(0)), 0.5157349, 1e-7);
  EXPECT_NEAR(policy.index(to_arm(1)), 0.5066389, 1e-7);
  Rng rng(1);
  const Choice choice = policy.select({}, rng);
  EXPECT_EQ(choice.arm, to_arm(0));
  EXPECT_EQ(choice.score, policy.index(to_arm(0)));
  EXPECT_EQ(choice.propensity, 1.0);
}

TEST(UcbTuned, VarianceIsThatOfTheRewards) {
  UcbTuned policy = make_policy(1);
  const std::array<double, 5> rewards{0.1, 0.7, 0.4, 1.0, 0.3};
  for (const double reward : rewards) {
    learn(policy, 0, reward);
  }
  // Mean 0.5; squares 0.16 + 0.04 + 0.01 + 0.25 + 0.04 = 0.5; variance 0.1.
  const Description description = policy.describe();
  ASSERT_EQ(description.columns.at(2), "variance");
  EXPECT_NEAR(description.rows.at(0).at(2), 0.1, 1e-15);
}

TEST(UcbTuned, SteadyArmsGetASmallerBonusThanRestlessOnes) {
  UcbTuned policy = make_policy(2);
  for (int i = 0; i < 3'000; ++i) {
    learn(policy, 0, 0.5);
    learn(policy, 1, i % 2 == 0 ? 0.0 : 1.0);
  }
  EXPECT_LT(policy.index(to_arm(0)), policy.index(to_arm(1)));
}

TEST(UcbTuned, ScalesWithTheRewardRange) {
  UcbTuned unit = make_policy(2);
  UcbTuned scaled = make_policy(2, {.reward_range = 10.0, .optimistic_mean = 10.0});
  Rng rng(2);
  for (int i = 0; i < 200; ++i) {
    const double reward = rng.uniform();
    const std::size_t arm = i % 3 == 0 ? 0 : 1;
    learn(unit, arm, reward);
    learn(scaled, arm, 10.0 * reward);
  }
  for (const std::size_t arm : {0, 1}) {
    EXPECT_NEAR(scaled.index(to_arm(arm)), 10.0 * unit.index(to_arm(arm)), 1e-12);
  }
}

TEST(UcbTuned, UntriedArmsComeFirstAndPendingPullsSpreadTheChoices) {
  UcbTuned policy = make_policy(4);
  Rng rng(3);
  std::array<int, 4> pulls{};
  for (int i = 0; i < 40; ++i) {
    const Choice choice = policy.select({}, rng);
    EXPECT_EQ(choice.score == kInfinity, i < 4);
    EXPECT_FALSE(choice.greedy);
    ASSERT_EQ(policy.note_pull(choice.arm), Errc::ok);
    ++pulls.at(to_index(choice.arm));
  }
  EXPECT_EQ(pulls, (std::array<int, 4>{10, 10, 10, 10}));
}

TEST(UcbTuned, AnArmWithOnlyPendingPullsIsJudgedAtItsBest) {
  UcbTuned policy = make_policy(2);
  learn(policy, 0, 0.5);
  ASSERT_EQ(policy.note_pull(to_arm(1)), Errc::ok);
  // t = 2: mean 1, variance at its largest: 1 + sqrt(ln 2 / 4).
  EXPECT_NEAR(policy.index(to_arm(1)), 1.0 + std::sqrt(std::log(2.0) / 4.0), 1e-15);
}

TEST(UcbTuned, ExploresLessThanUcb1sBoundAllows) {
  constexpr int kRounds = 5'000;
  constexpr double kGap = 0.3;
  int worse = 0;
  for (std::uint64_t run = 0; run < 10; ++run) {
    Rng rng(run);
    UcbTuned policy = make_policy(2);
    for (int t = 0; t < kRounds; ++t) {
      const Choice choice = policy.select({}, rng);
      const double p = choice.arm == to_arm(0) ? 0.6 : 0.6 - kGap;
      learn(policy, to_index(choice.arm), rng.uniform() < p ? 1.0 : 0.0);
      worse += choice.arm == to_arm(1) ? 1 : 0;
    }
  }
  EXPECT_LT(worse, 10 * static_cast<int>(8.0 * std::log(kRounds) / (kGap * kGap)));
  EXPECT_GT(worse, 10);
}

TEST(UcbTuned, LearnsFromNegativeHugeAndEqualRewards) {
  UcbTuned policy = make_policy(2);
  learn(policy, 0, -9.0, 1e6);
  learn(policy, 1, -1.0, 1e6);
  Rng rng(1);
  EXPECT_EQ(policy.select({}, rng).arm, to_arm(1));
  learn(policy, 0, 1e150);
  EXPECT_EQ(policy.select({}, rng).arm, to_arm(0));
  const UcbTuned before = policy;
  // The square of this one's deviation would be infinite.
  EXPECT_EQ(policy.update({.arm = to_arm(1), .reward = 1e200}), Errc::non_finite);
  EXPECT_EQ(policy, before);
}

TEST(UcbTuned, RejectsBadConfigurationByName) {
  const Result<UcbTuned> zero = UcbTuned::make({.reward_range = 0.0}, {.arms = 2});
  ASSERT_FALSE(zero);
  EXPECT_EQ(zero.error().code, Errc::invalid_config);
  EXPECT_EQ(zero.error().message, "reward_range = 0 is outside [1e-09, 1e+09]");
}

}  // namespace
}  // namespace attune::ucb_tuned_test
