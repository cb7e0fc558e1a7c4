// SPDX-License-Identifier: Apache-2.0
// thompson_poisson, boltzmann_gumbel, explore_then_commit and successive_elimination.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include <attune/policies/boltzmann_gumbel.hpp>
#include <attune/policies/explore_then_commit.hpp>
#include <attune/policies/successive_elimination.hpp>
#include <attune/policies/thompson_poisson.hpp>

namespace attune::drawn_policies_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class P>
void learn(P& policy, std::size_t arm, double reward, double weight = 1.0) {
  ASSERT_EQ(policy.update({.arm = to_arm(arm), .reward = reward, .weight = weight}), Errc::ok);
}

/// Mean and variance of the score of a policy with one arm, over `count` draws.
template <class P>
std::array<double, 2> moments(const P& policy, int count) {
  double mean = 0.0;
  double squares = 0.0;
  for (int i = 0; i < count; ++i) {
    Rng rng(1, 0, static_cast<std::uint64_t>(i));
    const double score = policy.select({}, rng).score;
    mean += score / count;
    squares += score * score / count;
  }
  return {mean, squares - mean * mean};
}

TEST(ThompsonPoisson, DrawsFromTheGammaPosterior) {
  ThompsonPoisson policy = ThompsonPoisson::make({.shape = 2.0, .rate = 3.0}, {.arms = 1}).value();
  learn(policy, 0, 4.0);
  learn(policy, 0, 1.0);
  learn(policy, 0, 0.0, 5.0);
  // Gamma of shape 2 + 5 and rate 3 + 7: mean 0.7, variance 0.07, fourth central moment 0.07^2 (3 + 6 / 7).
  constexpr int kDraws = 200'000;
  const auto [mean, variance] = moments(policy, kDraws);
  EXPECT_NEAR(mean, 0.7, 4.9 * std::sqrt(0.07 / kDraws));
  EXPECT_NEAR(variance, 0.07, 4.9 * 0.07 * std::sqrt((2.0 + 6.0 / 7.0) / kDraws));
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = -1.0}), Errc::invalid_argument);
}

TEST(BoltzmannGumbel, DrawsGumbelsOfItsScale) {
  BoltzmannGumbel policy = BoltzmannGumbel::make({.scale = 2.0}, {.arms = 1}).value();
  for (int i = 0; i < 16; ++i) {
    learn(policy, 0, i % 2 == 0 ? -1.0 : 2.0);
  }
  // 0.5 + 2 / 4 Z: mean 0.5 + 0.5 gamma; variance pi^2 / 24, kurtosis 5.4.
  constexpr int kDraws = 200'000;
  const double expected = std::numbers::pi * std::numbers::pi / 24.0;
  const auto [mean, variance] = moments(policy, kDraws);
  EXPECT_NEAR(mean, 0.5 + 0.5 * std::numbers::egamma, 4.9 * std::sqrt(expected / kDraws));
  EXPECT_NEAR(variance, expected, 4.9 * expected * std::sqrt(4.4 / kDraws));
}

TEST(BoltzmannGumbel, TriesEachArmFirstAndThenMostlyTheBest) {
  BoltzmannGumbel policy = BoltzmannGumbel::make({}, {.arms = 3}).value();
  int best = 0;
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    Rng rng(2, 0, i);
    const Choice choice = policy.select({}, rng);
    EXPECT_EQ(choice.score == kInfinity, i < 3);
    learn(policy, to_index(choice.arm),
          rng.uniform() < 0.3 + 0.2 * static_cast<double>(to_index(choice.arm)) ? 1.0 : 0.0);
    best += i >= 1'000 && choice.arm == to_arm(2) ? 1 : 0;
  }
  EXPECT_GT(best, 800);
}

TEST(ExploreThenCommit, ExploresItsTrialsAndCommits) {
  ExploreThenCommit policy = ExploreThenCommit::make({.min_trials = 10}, {.arms = 4}).value();
  std::array<int, 4> pulls{};
  for (std::uint64_t i = 0; i < 100; ++i) {
    Rng rng(3, 0, i);
    const Choice choice = policy.select({}, rng);
    ++pulls.at(to_index(choice.arm));
    learn(policy, to_index(choice.arm), choice.arm == to_arm(2) ? -1.0 : -2.0);
    EXPECT_TRUE(choice.greedy || i < 40);
  }
  EXPECT_EQ(pulls, (std::array<int, 4>{10, 10, 70, 10}));
  const Result<ExploreThenCommit> none = ExploreThenCommit::make({.min_trials = 0}, {.arms = 2});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message, "trials = 0 is outside [1, 1e+06]");
}

TEST(SuccessiveElimination, LeavesAnArmThatCannotBeTheBest) {
  SuccessiveElimination policy = SuccessiveElimination::make({.delta = 0.1}, {.arms = 2}).value();
  const auto width = [](double n) {
    return std::sqrt(std::log(std::numbers::pi * std::numbers::pi * 2.0 * n * n / 0.3) / (2.0 * n));
  };
  learn(policy, 0, 0.9, 100.0);
  learn(policy, 1, 0.5, 40.0);
  // 0.5 + w(40) = 0.957 and 0.9 - w(100) = 0.576: both may be the best; the one with fewer pulls is taken.
  EXPECT_GT(0.5 + width(40.0), 0.9 - width(100.0));
  EXPECT_EQ(policy.index(to_arm(0)), -100.0);
  EXPECT_EQ(policy.index(to_arm(1)), -40.0);
  learn(policy, 1, 0.5, 260.0);
  learn(policy, 0, 0.9, 400.0);
  EXPECT_LT(0.5 + width(300.0), 0.9 - width(500.0));
  EXPECT_EQ(policy.index(to_arm(1)), -kInfinity);
  Rng rng(1);
  EXPECT_EQ(policy.select({}, rng).arm, to_arm(0));
}

// Theorem 8: the best arm is lost with probability delta at most; a bad one is out after some ln / gap^2
// pulls.
TEST(SuccessiveElimination, KeepsTheBestArmAndStopsTryingTheOthers) {
  int lost = 0;
  for (std::uint64_t run = 0; run < 30; ++run) {
    SuccessiveElimination policy = SuccessiveElimination::make({.delta = 0.01}, {.arms = 4}).value();
    std::array<int, 4> late{};
    for (std::uint64_t i = 0; i < 6'000; ++i) {
      Rng rng(4, run, i);
      const Choice choice = policy.select({}, rng);
      learn(policy, to_index(choice.arm), rng.uniform() < (choice.arm == to_arm(3) ? 0.8 : 0.4) ? 1.0 : 0.0);
      late.at(to_index(choice.arm)) += i >= 5'000 ? 1 : 0;
    }
    lost += late[3] == 1'000 ? 0 : 1;
  }
  // Four of thirty at one in a hundred each: less than 3e-4 by chance; the bound is loose besides.
  EXPECT_LE(lost, 3);
}

}  // namespace
}  // namespace attune::drawn_policies_test
