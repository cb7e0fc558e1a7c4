// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/budgeted_lin_ucb.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/laws/state_laws.hpp"

namespace attune::budgeted_lin_ucb_test {
namespace {

/// A context that comes with a probability, and what each arm earns and costs there on average.
struct Situation {
  double probability = 1.0;
  std::vector<double> reward;
  std::vector<double> cost;
};

/// The most that a mixture of arms can earn a decision when it may cost `rate`: the linear program by its
/// dual, which is convex in the price.
double best_mixture(const std::vector<Situation>& world, double rate) {
  const auto dual = [&](double price) {
    double sum = price * rate;
    for (const Situation& each : world) {
      double best = -std::numeric_limits<double>::infinity();
      for (std::size_t arm = 0; arm < each.reward.size(); ++arm) {
        best = std::max(best, each.reward[arm] - price * each.cost[arm]);
      }
      sum += each.probability * best;
    }
    return sum;
  };
  double low = 0.0;
  double high = 100.0;
  for (int i = 0; i < 200; ++i) {
    const double left = low + (high - low) / 3.0;
    const double right = high - (high - low) / 3.0;
    (dual(left) < dual(right) ? high : low) = dual(left) < dual(right) ? right : left;
  }
  return dual(low);
}

struct Earned {
  double reward = 0.0;  ///< a decision, of the means
  double cost = 0.0;
};

Earned play(const BudgetedLinUcbConfig& config, const std::vector<Situation>& world, std::uint64_t steps,
            std::uint64_t seed) {
  const std::size_t features = world.size() > 1 ? world.size() : 0;
  BudgetedLinUcb policy =
      BudgetedLinUcb::make(config, {.arms = world[0].reward.size(), .features = features}).value();
  Earned earned;
  std::vector<double> x(features);
  for (std::uint64_t step = 0; step < steps; ++step) {
    Rng rng(seed, 0, step);
    std::size_t at = 0;
    for (double left = rng.uniform() - world[0].probability; left >= 0.0 && at + 1 < world.size();) {
      left -= world[++at].probability;
    }
    if (features > 0) {
      std::ranges::fill(x, 0.0);
      x[at] = 1.0;
    }
    const Choice choice = policy.select({.input = {.dense = x}}, rng);
    const std::size_t arm = to_index(choice.arm);
    const double reward = rng.uniform() < world[at].reward[arm] ? 1.0 : 0.0;
    const double cost = world[at].cost[arm] * (0.5 + rng.uniform());
    EXPECT_EQ(policy.update({.arm = choice.arm, .reward = reward, .input = {.dense = x}}, cost), Errc::ok);
    earned.reward += world[at].reward[arm] / static_cast<double>(steps);
    earned.cost += cost / static_cast<double>(steps);
  }
  return earned;
}

const std::vector<Situation> kOne{{1.0, {0.9, 0.5, 0.1}, {1.0, 0.3, 0.0}}};
const std::vector<Situation> kFour{{0.4, {0.9, 0.5, 0.1}, {1.0, 0.3, 0.0}},
                                   {0.3, {0.6, 0.5, 0.1}, {1.0, 0.3, 0.0}},
                                   {0.2, {0.9, 0.1, 0.1}, {0.5, 0.2, 0.0}},
                                   {0.1, {0.2, 0.2, 0.2}, {1.0, 0.3, 0.0}}};

TEST(BestMixture, IsTheProgramsOptimumByHand) {
  // 0.4 between costs 1 and 0.3: a seventh of the dear arm.
  EXPECT_NEAR(best_mixture(kOne, 0.4), 0.5 + 0.4 / 7.0, 1e-9);
  EXPECT_NEAR(best_mixture(kOne, 0.15), 0.3, 1e-9);
  EXPECT_NEAR(best_mixture(kOne, 5.0), 0.9, 1e-9);
}

// Theorem 1 of Agrawal and Devanur: what is missing to the best mixture is of the order of (1 + OPT / rate) d
// sqrt(T) in all; here 20,000 decisions, so that a constant of 1 allows for 0.017 to 0.05 each.
TEST(BudgetedLinUcb, EarnsWhatTheBestMixtureWouldUnderASpendRate) {
  for (const auto* world : {&kOne, &kFour}) {
    for (const double rate : {0.15, 0.4, 0.6}) {
      const double best = best_mixture(*world, rate);
      const Earned earned = play({.spend = {.rate = rate}}, *world, 20'000, 1);
      EXPECT_LE(earned.cost, 1.02 * rate) << rate;
      EXPECT_GE(earned.reward, best - (1.0 + best / rate) / std::sqrt(20'000.0)) << rate;
      EXPECT_LE(earned.reward, best * earned.cost / rate + best * 0.03) << rate << ": more than there is";
    }
  }
}

TEST(BudgetedLinUcb, MoneyWithoutEndIsNoConstraint) {
  const Earned earned = play({.spend = {.rate = 10.0}}, kFour, 5'000, 2);
  EXPECT_GT(earned.reward, best_mixture(kFour, 10.0) - 0.03);
}

TEST(BudgetedLinUcb, ABudgetIsSpentByItsHorizonAndNotBefore) {
  const double budget = 0.4 * 10'000;
  const BudgetedLinUcbConfig config{.spend = {.budget = budget, .horizon = 10'000}};
  const Earned all = play(config, kOne, 10'000, 3);
  EXPECT_LE(all.cost * 10'000, budget + 1.5);
  EXPECT_GE(all.cost * 10'000, 0.95 * budget);
  const Earned half = play(config, kOne, 5'000, 3);
  EXPECT_NEAR(half.cost, 0.4, 0.04);
}

TEST(BudgetedLinUcb, WithNothingLeftItTakesWhatCostsLeast) {
  BudgetedLinUcb policy =
      BudgetedLinUcb::make({.spend = {.budget = 3.0, .horizon = 1'000}}, {.arms = 2}).value();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(policy.update({.arm = to_arm(0), .reward = 1.0}, 1.0), Errc::ok);
    ASSERT_EQ(policy.update({.arm = to_arm(1), .reward = 0.0}, 0.01), Errc::ok);
  }
  EXPECT_TRUE(policy.pacer().exhausted());
  EXPECT_EQ(policy.pacer().allowed(), 0.0);
  Rng rng(1);
  EXPECT_EQ(policy.select({}, rng).arm, to_arm(1));
}

TEST(BudgetedLinUcb, WrongCostsChangeNothing) {
  BudgetedLinUcb policy = BudgetedLinUcb::make({.spend = {.rate = 1.0}}, {.arms = 2}).value();
  ASSERT_EQ(policy.update({.arm = to_arm(0), .reward = 1.0}, 1.0), Errc::ok);
  const BudgetedLinUcb before = policy;
  const Feedback good{.arm = to_arm(1), .reward = 0.5};
  EXPECT_EQ(policy.update(good, -0.1), Errc::invalid_argument);
  for (const double cost : {1e13, std::numeric_limits<double>::infinity(), std::nan("")}) {
    EXPECT_EQ(policy.update(good, cost), Errc::non_finite);
  }
  EXPECT_EQ(policy.update({.arm = to_arm(2), .reward = 0.5}, 1.0), Errc::unknown_arm);
  EXPECT_EQ(policy.update({.arm = to_arm(1), .reward = 1e200}, 1.0), Errc::non_finite);
  EXPECT_EQ(policy, before);
}

BudgetedLinUcb lived(int rewards) {
  BudgetedLinUcb policy = BudgetedLinUcb::make({.spend = {.rate = 0.3}}, {.arms = 2}).value();
  for (int i = 0; i < rewards; ++i) {
    EXPECT_EQ(policy.update({.arm = to_arm(static_cast<std::size_t>(i % 2)), .reward = 0.1 * (i % 7)},
                            0.2 * (i % 4)),
              Errc::ok);
  }
  EXPECT_TRUE(policy.add_arm());
  return policy;
}

TEST(BudgetedLinUcb, WhatIsSavedIsLoadedAndHostileBytesDoNoHarm) {
  laws::expect_round_trip(lived(50), lived(3));
  laws::expect_every_cut_is_refused(lived(50), lived(3));
  laws::expect_flipped_bits_do_no_harm(lived(50), lived(3), [](const BudgetedLinUcb& loaded) {
    BudgetedLinUcb copy = loaded;
    Rng rng(1);
    const Choice choice = copy.select({}, rng);
    ASSERT_TRUE(choice.status == Errc::ok || choice.status == Errc::no_arm);
    const Errc verdict = copy.update({.arm = to_arm(0), .reward = 0.5}, 0.25);
    ASSERT_TRUE(verdict == Errc::ok || verdict == Errc::non_finite) << to_string(verdict);
  });
}

TEST(BudgetedLinUcb, ARateOrABudgetAndNotBoth) {
  for (const SpendPacerConfig& spend :
       {SpendPacerConfig{}, SpendPacerConfig{.rate = 1.0, .budget = 5.0, .horizon = 5},
        SpendPacerConfig{.budget = 5.0}}) {
    const Result<BudgetedLinUcb> made = BudgetedLinUcb::make({.spend = spend}, {.arms = 2});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().message, "either rate, or budget and horizon must be above 0, and not both");
  }
}

}  // namespace
}  // namespace attune::budgeted_lin_ucb_test
