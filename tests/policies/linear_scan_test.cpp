// SPDX-License-Identifier: Apache-2.0
// Above a size, linear bandits look at a copy of their matrices in floats first and pass over arms that
// cannot win. These tests hold the choices against ones made without it.
#include "policies/bandit/linear_scores.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/sampling.hpp>
#include <attune/policies/lin_ts.hpp>
#include <attune/policies/lin_ucb.hpp>

#include "tests/support/statistics.hpp"

namespace attune::linear_scan_test {
namespace {

using Point = std::vector<double>;
using detail::StripVector;

constexpr std::size_t kArms = 120;
constexpr std::size_t kFeatures = 40;  // 120 arms x 15 strips' blocks x 512 bytes: above the bound

Point random_point(Rng& rng, std::size_t size, double length = 1.0) {
  Point x(size);
  for (double& value : x) {
    value = length * sample_normal(rng);
  }
  return x;
}

RidgeBank trained_bank(std::size_t arms, std::size_t features, int updates, double length) {
  RidgeBank bank = RidgeBank::make(arms, features, 1.0, 1.0).value();
  Rng rng(5);
  for (int t = 0; t < updates; ++t) {
    const Point x = random_point(rng, features, length);
    EXPECT_EQ(bank.learn(rng.below(arms), StripVector(x, false, 0.0), x[0] + sample_normal(rng), 1.0),
              Errc::ok);
  }
  return bank;
}

TEST(LinearScan, SmallBanksKeepNoCopy) {
  EXPECT_FALSE(RidgeBank::make(10, 20, 1.0, 1.0)->keeps_coarse());
  EXPECT_TRUE(RidgeBank::make(kArms, kFeatures, 1.0, 1.0)->keeps_coarse());
}

TEST(LinearScan, CoarseScoresAreWithinTheirStatedError) {
  for (const double length : {1e-170, 1e-30, 1.0, 1e4, 1e60, 1e140}) {
    const RidgeBank bank = trained_bank(kArms, kFeatures, 2000, std::min(length, 1e10));
    Rng rng(8);
    for (int t = 0; t < 30; ++t) {
      const Point values = random_point(rng, kFeatures, length);
      const StripVector x(values, false, 0.0);
      const detail::CoarseVector coarse(x);
      std::vector<std::uint32_t> which(kArms);
      for (std::size_t arm = 0; arm < kArms; ++arm) {
        which[arm] = static_cast<std::uint32_t>(arm);
      }
      std::vector<double> mean(kArms);
      std::vector<double> variance(kArms);
      std::vector<double> near_mean(kArms);
      std::vector<double> near_variance(kArms);
      std::vector<double> error(kArms);
      bank.scores(x, which, mean.data(), variance.data());
      bank.coarse_scores(x, coarse, which, near_mean.data(), near_variance.data(), error.data());
      for (std::size_t arm = 0; arm < kArms; ++arm) {
        ASSERT_EQ(std::bit_cast<std::uint64_t>(mean[arm]), std::bit_cast<std::uint64_t>(near_mean[arm]));
        ASSERT_LE(std::abs(variance[arm] - near_variance[arm]), error[arm]);
        if (length == 1.0) {
          // Tight enough to be of use: entries of 8 significant bits are wrong by a 512th at most, and a norm
          // may be a few times what counts.
          ASSERT_LT(error[arm], 0.05 * variance[arm]);
        }
      }
    }
  }
}

TEST(LinearScan, LinUcbChoosesAsWithoutIt) {
  for (const double length : {0.1, 1.0, 1e8}) {
    LinUcb policy = LinUcb::make({}, {.arms = kArms, .features = kFeatures}).value();
    Rng world(3);
    std::vector<double> p(kArms);
    std::vector<std::uint32_t> one(1);
    for (std::uint64_t t = 0; t < 1500; ++t) {
      const Point x = random_point(world, kFeatures, length);
      const Context context{.input = {.dense = x}};
      Rng rng(1, 0, t);
      const Choice choice = policy.select(context, rng);
      ASSERT_EQ(policy.probabilities(context, p), Errc::ok);  // looks at every arm
      ASSERT_GT(choice.propensity, 0.0);
      ASSERT_EQ(p[to_index(choice.arm)], choice.propensity);
      bool greedy = true;
      double chosen_mean = 0.0;
      double variance = 0.0;
      const StripVector point(x, false, 0.0);
      one[0] = static_cast<std::uint32_t>(to_index(choice.arm));
      policy.models().scores(point, one, &chosen_mean, &variance);
      ASSERT_EQ(choice.score, chosen_mean + std::sqrt(variance));
      for (std::uint32_t arm = 0; arm < kArms; ++arm) {
        double mean = 0.0;
        one[0] = arm;
        policy.models().scores(point, one, &mean, &variance);
        greedy = greedy && mean <= chosen_mean;
      }
      ASSERT_EQ(choice.greedy, greedy);
      ASSERT_EQ(policy.update({.arm = choice.arm, .reward = x[0] + world.uniform(), .input = {.dense = x}}),
                Errc::ok);
    }
  }
}

TEST(LinearScan, LinTsChoosesAsWithoutIt) {
  LinTs policy = LinTs::make({}, {.arms = kArms, .features = kFeatures}).value();
  Rng world(3);
  for (std::uint64_t t = 0; t < 1500; ++t) {
    const Point x = random_point(world, kFeatures);
    const Context context{.input = {.dense = x}};
    Rng rng(1, 0, t);
    const Choice choice = policy.select(context, rng);
    // By hand from the same stream: one number for ties, then a normal an arm.
    Rng again(1, 0, t);
    static_cast<void>(again());
    double best = -std::numeric_limits<double>::infinity();
    std::size_t best_arm = 0;
    for (std::uint32_t arm = 0; arm < kArms; ++arm) {
      double mean = 0.0;
      double variance = 0.0;
      policy.models().scores(StripVector(x, false, 0.0), std::span(&arm, 1), &mean, &variance);
      const double slope = 0.5 * sample_normal(again);
      const double score = mean + (slope * std::sqrt(variance));
      if (score > best) {
        best = score;
        best_arm = arm;
      }
    }
    ASSERT_EQ(choice.arm, to_arm(best_arm));
    ASSERT_EQ(choice.score, best);
    ASSERT_EQ(policy.update({.arm = choice.arm, .reward = x[0] + world.uniform(), .input = {.dense = x}}),
              Errc::ok);
  }
}

TEST(LinearScan, TiesStayUniform) {
  const LinUcb policy = LinUcb::make({}, {.arms = kArms, .features = kFeatures}).value();
  const Point x(kFeatures, 0.3);
  std::vector<double> counts(kArms, 0.0);
  for (std::uint64_t t = 0; t < 6000; ++t) {
    Rng rng(11, 0, t);
    const Choice choice = policy.select({.input = {.dense = x}}, rng);
    ASSERT_EQ(choice.propensity, 1.0 / kArms);
    counts[to_index(choice.arm)] += 1.0;
  }
  EXPECT_TRUE(test::is_uniform(counts));
}

TEST(LinearScan, ArmsAddedBeyondTheBoundAreSeen) {
  LinUcb grown = LinUcb::make({}, {.arms = 1, .features = kFeatures}).value();
  for (std::size_t arm = 1; arm < kArms; ++arm) {
    ASSERT_TRUE(grown.add_arm());
  }
  EXPECT_TRUE(grown.models().keeps_coarse());
  LinUcb made = LinUcb::make({}, {.arms = kArms, .features = kFeatures}).value();
  EXPECT_EQ(grown, made);
  Rng world(4);
  for (std::uint64_t t = 0; t < 300; ++t) {
    const Point x = random_point(world, kFeatures);
    Rng left(1, 0, t);
    Rng right(1, 0, t);
    const Choice a = grown.select({.input = {.dense = x}}, left);
    const Choice b = made.select({.input = {.dense = x}}, right);
    ASSERT_EQ(a.arm, b.arm);
    ASSERT_EQ(grown.update({.arm = a.arm, .reward = x[0], .input = {.dense = x}}), Errc::ok);
    ASSERT_EQ(made.update({.arm = a.arm, .reward = x[0], .input = {.dense = x}}), Errc::ok);
  }
  // And survive a round trip, a reset and a warm start.
  ASSERT_TRUE(grown.warm_start(to_arm(3), {.mean = 50.0, .weight = 9.0}));
  ASSERT_TRUE(load_state(made, save_state(grown)));
  const Point ones(kFeatures, 1.0);
  Rng left(2);
  Rng right(2);
  EXPECT_EQ(grown.select({.input = {.dense = ones}}, left).arm, to_arm(3));
  EXPECT_EQ(made.select({.input = {.dense = ones}}, right).arm, to_arm(3));
  ASSERT_EQ(made.reset_arm(to_arm(3)), Errc::ok);
  EXPECT_NE(made.select({.input = {.dense = ones}}, right).score, 0.0);
}

TEST(LinearScan, HugeContextsStillGetAnAnswer) {
  LinUcb policy = LinUcb::make({}, {.arms = kArms, .features = kFeatures}).value();
  const Point large(kFeatures, 1e150);
  ASSERT_EQ(policy.update({.arm = to_arm(7), .reward = 1.0, .input = {.dense = large}}), Errc::ok);
  for (const double length : {1e-320, 1e-200, 1e100, 1e200, 1e308}) {
    const Point x(kFeatures, length);
    Rng rng(1);
    EXPECT_EQ(policy.select({.input = {.dense = x}}, rng).status, Errc::ok);
  }
}

}  // namespace
}  // namespace attune::linear_scan_test
