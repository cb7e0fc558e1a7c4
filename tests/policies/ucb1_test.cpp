// SPDX-License-Identifier: Apache-2.0
// The laws that hold for every bandit are in tests/laws/ and run for Ucb1 too; this file tests only what is
// true of UCB1.
#include <attune/policies/ucb1.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/statistics.hpp"

namespace attune::ucb1_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Ucb1 make_ucb1(std::size_t arms, const Ucb1Config& config = {}) {
  return Ucb1::make(config, {.arms = arms}).value();
}

void learn(Ucb1& policy, std::size_t arm, double reward, double weight = 1.0) {
  ASSERT_EQ(policy.update({.arm = to_arm(arm), .reward = reward, .weight = weight}), Errc::ok);
}

TEST(Ucb1, IndexMatchesTheFormula) {
  Ucb1 policy = make_ucb1(2);
  learn(policy, 0, 1.0);
  learn(policy, 1, 0.0);
  learn(policy, 1, 0.5);

  Rng rng(1);
  const Choice choice = policy.select({}, rng);

  // By hand: index(0) = 1 + sqrt(2 ln 3 / 1) = 2.4823038; index(1) = 0.25 + sqrt(2 ln 3 / 2) = 1.2981471.
  EXPECT_EQ(choice.status, Errc::ok);
  EXPECT_EQ(choice.arm, to_arm(0));
  EXPECT_NEAR(choice.score, 2.4823038, 1e-7);
  EXPECT_NEAR(policy.index(to_arm(1)), 1.2981471, 1e-7);
  EXPECT_EQ(choice.propensity, 1.0);
  EXPECT_TRUE(choice.greedy);
}

TEST(Ucb1, WeightedRewardsCountAsOftenAsTheyWeigh) {
  Ucb1 weighted = make_ucb1(2);
  learn(weighted, 0, 0.5, 3.0);
  learn(weighted, 1, 1.0, 0.5);
  // t = 3.5; index(1) = 1 + sqrt(2 ln 3.5 / 0.5) = 3.2385429; index(0) = 0.5 + sqrt(2 ln 3.5 / 3)
  // = 1.4138896.
  EXPECT_NEAR(weighted.index(to_arm(1)), 1.0 + std::sqrt(4.0 * std::log(3.5)), 1e-14);
  EXPECT_NEAR(weighted.index(to_arm(0)), 0.5 + std::sqrt(2.0 / 3.0 * std::log(3.5)), 1e-14);
}

TEST(Ucb1, AChoiceThatIsNotTheBestMeanIsExploration) {
  Ucb1 policy = make_ucb1(2);
  for (int i = 0; i < 20; ++i) {
    learn(policy, 0, 0.6);
  }
  learn(policy, 1, 0.5);
  Rng rng(1);
  const Choice choice = policy.select({}, rng);
  EXPECT_EQ(choice.arm, to_arm(1));
  EXPECT_FALSE(choice.greedy);
}

TEST(Ucb1, PrefersArmsNeverPlayed) {
  Ucb1 policy = make_ucb1(3, {.exploration = 0.0});
  learn(policy, 0, 1e9);
  learn(policy, 2, 1e9);
  Rng rng(1);
  const Choice choice = policy.select({}, rng);
  EXPECT_EQ(choice.arm, to_arm(1));
  EXPECT_EQ(choice.score, kInfinity);
  EXPECT_FALSE(choice.greedy);
}

TEST(Ucb1, TriesEachArmOnceInRandomOrder) {
  std::array<double, 3> first{};
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    Ucb1 policy = make_ucb1(3);
    Rng rng(seed);
    std::array<int, 3> seen{};
    for (int i = 0; i < 3; ++i) {
      const std::size_t arm = to_index(policy.select({}, rng).arm);
      first.at(arm) += i == 0 ? 1.0 : 0.0;
      ++seen.at(arm);
      learn(policy, arm, 0.5);
    }
    ASSERT_EQ(seen, (std::array<int, 3>{1, 1, 1}));
  }
  EXPECT_TRUE(test::is_uniform(first));
}

TEST(Ucb1, PendingPullsSpreadTheChoices) {
  // Ten choices before the first reward: without counting them, the second to tenth would be the same arm.
  Ucb1 policy = make_ucb1(4);
  Rng rng(7);
  std::array<int, 4> pulls{};
  for (int i = 0; i < 40; ++i) {
    const Choice choice = policy.select({}, rng);
    ASSERT_EQ(policy.note_pull(choice.arm), Errc::ok);
    ++pulls.at(to_index(choice.arm));
  }
  EXPECT_EQ(pulls, (std::array<int, 4>{10, 10, 10, 10}));
}

TEST(Ucb1, AnArmWithOnlyPendingPullsHasTheOptimisticMean) {
  Ucb1 policy = make_ucb1(2, {.optimistic_mean = 5.0});
  ASSERT_EQ(policy.note_pull(to_arm(0)), Errc::ok);
  ASSERT_EQ(policy.note_pull(to_arm(0)), Errc::ok);
  learn(policy, 1, 0.0);
  // t = 3, n(0) = 2: 5 + sqrt(2 ln 3 / 2).
  EXPECT_NEAR(policy.index(to_arm(0)), 5.0 + std::sqrt(std::log(3.0)), 1e-14);
}

TEST(Ucb1, AnnouncedAndUnannouncedRewardsEndInTheSameState) {
  Ucb1 announced = make_ucb1(3);
  Ucb1 plain = make_ucb1(3);
  for (const std::size_t arm : {0, 1, 2, 1, 1}) {
    ASSERT_EQ(announced.note_pull(to_arm(arm)), Errc::ok);
  }
  for (const std::size_t arm : {0, 1, 2, 1, 1}) {
    const double reward = 0.25 * static_cast<double>(arm);
    ASSERT_EQ(announced.update({.arm = to_arm(arm), .reward = reward, .announced = true}), Errc::ok);
    learn(plain, arm, reward);
  }
  EXPECT_EQ(announced, plain);
}

TEST(Ucb1, ALostPullIsTakenBack) {
  Ucb1 policy = make_ucb1(2);
  const Ucb1 before = policy;
  ASSERT_EQ(policy.note_pull(to_arm(1)), Errc::ok);
  EXPECT_NE(policy, before);
  ASSERT_EQ(policy.note_lost(to_arm(1)), Errc::ok);
  EXPECT_EQ(policy, before);
  EXPECT_EQ(policy.note_lost(to_arm(1)), Errc::invalid_argument);
  EXPECT_EQ(policy, before);
}

TEST(Ucb1, AResetArmForgetsItsPendingPullsAndLearnsTheirRewards) {
  Ucb1 policy = make_ucb1(2);
  ASSERT_EQ(policy.note_pull(to_arm(0)), Errc::ok);
  learn(policy, 0, 0.3);
  ASSERT_EQ(policy.reset_arm(to_arm(0)), Errc::ok);
  EXPECT_EQ(policy.index(to_arm(0)), kInfinity);
  ASSERT_EQ(policy.update({.arm = to_arm(0), .reward = 0.5, .announced = true}), Errc::ok);
  EXPECT_EQ(policy.index(to_arm(0)), 0.5);  // t = 1: no bonus
}

TEST(Ucb1, WarmStartCountsAsRewards) {
  Ucb1 warm = make_ucb1(2);
  ASSERT_TRUE(warm.warm_start(to_arm(0), {.mean = 0.7, .weight = 10.0}));
  learn(warm, 1, 0.2);
  EXPECT_NEAR(warm.index(to_arm(0)), 0.7 + std::sqrt(2.0 * std::log(11.0) / 10.0), 1e-14);
  EXPECT_EQ(warm.updates(), 1U);
  EXPECT_EQ(warm.warm_start(to_arm(0), {.mean = 0.7, .weight = -1.0}).error().code, Errc::invalid_argument);
}

TEST(Ucb1, TheScoreIsTheSameOnEveryPath) {
  // 37 arms: whole blocks and a rest. The fast path, a list of all arms, and a scan by hand must agree to the
  // bit.
  Ucb1 policy = make_ucb1(37);
  Rng rewards(5);
  std::vector<ArmIndex> all;
  for (std::size_t arm = 0; arm < 37; ++arm) {
    all.push_back(to_arm(arm));
    learn(policy, arm, rewards.uniform());
  }
  for (int i = 0; i < 2'000; ++i) {
    Rng left(1);
    Rng right(1);
    const Choice fast = policy.select({}, left);
    const Choice slow = policy.select({.offered = all}, right);
    ASSERT_EQ(fast.arm, slow.arm);
    ASSERT_EQ(fast.score, slow.score);
    ASSERT_EQ(fast.score, policy.index(fast.arm));
    ASSERT_EQ(fast.greedy, slow.greedy);
    for (const ArmIndex arm : all) {
      ASSERT_LE(policy.index(arm), fast.score);
    }
    learn(policy, to_index(fast.arm), rewards.uniform());
  }
}

TEST(Ucb1, AnArmOfferedTwiceCountsTwiceInATie) {
  const Ucb1 policy = make_ucb1(3);
  const std::array<ArmIndex, 4> offered{to_arm(2), to_arm(0), to_arm(2), kNoArm};
  std::array<double, 3> counts{};
  Rng rng(3);
  for (int i = 0; i < 30'000; ++i) {
    const Choice choice = policy.select({.offered = offered}, rng);
    ASSERT_EQ(choice.propensity, choice.arm == to_arm(2) ? 2.0 / 3.0 : 1.0 / 3.0);
    counts.at(to_index(choice.arm)) += 1.0;
  }
  EXPECT_TRUE(test::matches_probabilities(counts, std::array{1.0 / 3.0, 0.0, 2.0 / 3.0}));
}

TEST(Ucb1, PlaysTheWorseArmNoMoreThanTheoremOneAllows) {
  constexpr int kRounds = 5'000;
  constexpr double kGap = 0.3;
  constexpr int kRuns = 20;
  double worse_plays = 0.0;
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    Rng rng(run);
    Ucb1 policy = make_ucb1(2);
    for (int t = 0; t < kRounds; ++t) {
      const Choice choice = policy.select({}, rng);
      const double p = choice.arm == to_arm(0) ? 0.6 : 0.6 - kGap;
      const double reward = rng.uniform() < p ? 1.0 : 0.0;
      ASSERT_EQ(policy.update({.arm = choice.arm, .reward = reward}), Errc::ok);
      worse_plays += choice.arm == to_arm(1) ? 1.0 / kRuns : 0.0;
    }
  }
  const double bound =
      8.0 * std::log(kRounds) / (kGap * kGap) + 1.0 + std::numbers::pi * std::numbers::pi / 3.0;
  EXPECT_LT(worse_plays, bound);
  EXPECT_GT(worse_plays, std::log(kRounds));  // and it must not stop exploring
}

TEST(Ucb1, LearnsFromNegativeHugeAndEqualRewards) {
  Ucb1 policy = make_ucb1(2, {.exploration = 0.0});
  learn(policy, 0, -9.0);
  learn(policy, 1, -1.0);
  Rng rng(1);
  EXPECT_EQ(policy.select({}, rng).arm, to_arm(1));
  learn(policy, 0, 1e300);
  EXPECT_EQ(policy.select({}, rng).arm, to_arm(0));
  learn(policy, 1, -1.0);
  EXPECT_EQ(policy.index(to_arm(1)), -1.0);
}

TEST(Ucb1, RefusesWhatWouldOverflow) {
  Ucb1 policy = make_ucb1(2);
  learn(policy, 0, -1.7e308);
  const Ucb1 before = policy;
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = 1.7e308}), Errc::non_finite);
  learn(policy, 1, 0.0, 1e308);
  const Ucb1 heavy = policy;
  EXPECT_EQ(policy.update({.arm = to_arm(1), .reward = 0.0, .weight = 1e308}), Errc::non_finite);
  EXPECT_EQ(policy, heavy);
  EXPECT_NE(policy, before);
}

TEST(Ucb1, RefusesAStateThatAddsUpAndCannotBe) {
  const auto load = [](double weight0, double weight1, double total) {
    Writer writer;
    writer.u64(3);  // updates
    writer.numbers(std::vector<std::uint8_t>{1, 1});
    writer.numbers(std::vector<double>{0.5, 0.5});
    writer.numbers(std::vector<double>{weight0, weight1});
    writer.numbers(std::vector<std::uint32_t>{0, 0});
    writer.f64(total);
    Ucb1 policy = make_ucb1(2);
    Reader reader(writer.view());
    return policy.load(reader).has_value();
  };
  EXPECT_TRUE(load(1.0, 2.0, 3.0));
  EXPECT_FALSE(load(-1.0, 3.0, 2.0));
  EXPECT_FALSE(load(1.0, 2.0, 4.0));
  EXPECT_FALSE(load(1e308, 1e308, kInfinity));
}

TEST(Ucb1, RejectsBadConfigurationByName) {
  const Result<Ucb1> negative = Ucb1::make({.exploration = -1.0}, {.arms = 2});
  ASSERT_FALSE(negative);
  EXPECT_EQ(negative.error().code, Errc::invalid_config);
  EXPECT_EQ(negative.error().message, "exploration = -1 is outside [0, 1e+06]");
  EXPECT_FALSE(Ucb1::make({.exploration = std::numeric_limits<double>::quiet_NaN()}, {.arms = 2}));
  EXPECT_FALSE(Ucb1::make({}, {.arms = ArmSet::kMaxArms + 1}));
}

}  // namespace
}  // namespace attune::ucb1_test
