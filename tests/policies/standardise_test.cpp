// SPDX-License-Identifier: Apache-2.0
// The option `standardise` of lin_ucb and lin_ts.
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/sampling.hpp>
#include <attune/policies/lin_ts.hpp>
#include <attune/policies/lin_ucb.hpp>

#include "tests/support/statistics.hpp"

namespace attune::standardise_test {
namespace {

using Row = std::vector<double>;

/// What a world with two arms, one right for positive first features, pays.
double reward_of(const Row& x, double unit, ArmIndex arm) {
  return (x[0] > 0.0) == (to_index(arm) == 1) ? unit : 0.0;
}

template <class Policy>
Policy made(std::size_t arms, std::size_t features) {
  typename Policy::Config config;
  config.standardise = true;
  return Policy::make(config, {.arms = arms, .features = features}).value();
}

TEST(Standardise, ModelsAreThoseOfTheRidgeRegressionOverScaledContexts) {
  constexpr std::size_t kFeatures = 11;  // with the constant more than a strip
  constexpr int kRows = 256;             // a power of 2: scales were adopted at the last one
  LinUcb policy = made<LinUcb>(2, kFeatures);
  Rng rng(4);
  std::vector<Row> rows;
  Row rewards;
  for (int t = 0; t < kRows; ++t) {
    Row x(kFeatures);
    for (std::size_t i = 0; i < kFeatures; ++i) {
      // Two values a feature, both among the first two rows: nothing is ever cut.
      const double sign = t < 2 ? 2.0 * t - 1.0 : (rng.uniform() < 0.5 ? -1.0 : 1.0);
      x[i] = std::pow(10.0, static_cast<double>(i) - 5.0) * (sign + 3.0 * static_cast<double>(i % 3));
    }
    rewards.push_back(sample_normal(rng));
    ASSERT_EQ(policy.update({.arm = to_arm(t % 2), .reward = rewards.back(), .input = {.dense = x}}),
              Errc::ok);
    rows.push_back(x);
  }
  // theta solves (I + Z'Z) theta = Z'r, which is checked, not solved.
  const ContextScaling& scaling = policy.scaling();
  for (std::size_t arm = 0; arm < 2; ++arm) {
    const std::span<const double> theta = policy.models().coefficients(arm);
    Row left(theta.begin(), theta.end());
    Row right(theta.size());
    for (std::size_t t = arm; t < rows.size(); t += 2) {
      Row z(theta.size(), 1.0);
      double score = 0.0;
      for (std::size_t i = 0; i < z.size(); ++i) {
        z[i] = i < kFeatures ? scaling.scaled(rows[t], i) : 1.0;
        score += z[i] * theta[i];
      }
      for (std::size_t i = 0; i < z.size(); ++i) {
        left[i] += z[i] * score;
        right[i] += z[i] * rewards[t];
      }
    }
    for (std::size_t i = 0; i < theta.size(); ++i) {
      EXPECT_NEAR(left[i], right[i], 1e-9) << arm << ' ' << i;  // 128 rows of numbers of about 1
    }
  }
}

template <class Policy>
void expect_units_do_not_matter() {
  Policy plain = made<Policy>(2, 3);
  Policy other = made<Policy>(2, 3);
  Rng world(5);
  for (std::uint64_t t = 0; t < 600; ++t) {
    Row x(3);
    for (double& value : x) {
      value = sample_normal(world);
    }
    // Powers of two: nothing is rounded.
    const Row scaled{x[0] * 0x1.0p40, x[1] * 0x1.0p-30, x[2] * -1024.0};
    Rng one(7, 1, t);
    Rng two(7, 1, t);
    const Choice mine = plain.select({.input = {.dense = x}}, one);
    const Choice theirs = other.select({.input = {.dense = scaled}}, two);
    ASSERT_EQ(mine.arm, theirs.arm) << t;
    ASSERT_EQ(plain.update({.arm = mine.arm, .reward = reward_of(x, 1.0, mine.arm), .input = {.dense = x}}),
              Errc::ok);
    ASSERT_EQ(
        other.update({.arm = mine.arm, .reward = reward_of(x, 1.0, mine.arm), .input = {.dense = scaled}}),
        Errc::ok);
  }
}
TEST(Standardise, UnitsDoNotMatterToLinUcb) { expect_units_do_not_matter<LinUcb>(); }
TEST(Standardise, UnitsDoNotMatterToLinTs) { expect_units_do_not_matter<LinTs>(); }

TEST(Standardise, LearnsInRawUnitsWhereThePlainPolicyDoesNot) {
  const auto earned = [](bool standardise) {
    LinUcb policy =
        LinUcb::make({.intercept = true, .standardise = standardise}, {.arms = 2, .features = 2}).value();
    Rng world(6);
    double sum = 0.0;
    for (std::uint64_t t = 0; t < 2000; ++t) {
      const Row x{1e-4 * sample_normal(world), 3000.0 + 300.0 * sample_normal(world)};
      Rng rng(8, 1, t);
      const Choice choice = policy.select({.input = {.dense = x}}, rng);
      const double reward = reward_of(x, 1.0, choice.arm);
      sum += reward;
      EXPECT_EQ(policy.update({.arm = choice.arm, .reward = reward, .input = {.dense = x}}), Errc::ok);
    }
    return sum / 2000.0;
  };
  EXPECT_GT(earned(true), 0.9);
  EXPECT_LT(earned(false), 0.6);
}

TEST(Standardise, StatesRoundTripAndStatesWithoutItAreAsBefore) {
  LinUcb policy = made<LinUcb>(2, 3);
  Rng rng(9);
  for (int t = 0; t < 50; ++t) {
    const Row x{1e6 * rng.uniform(), rng.uniform(), 5.0};  // the last never varies
    ASSERT_EQ(policy.update({.arm = to_arm(t % 2), .reward = rng.uniform(), .input = {.dense = x}}),
              Errc::ok);
  }
  Writer writer;
  policy.save(writer);
  LinUcb other = made<LinUcb>(2, 3);
  Reader reader(writer.view());
  ASSERT_TRUE(other.load(reader));
  EXPECT_EQ(other, policy);
  // A scale below zero is no scale.
  Bytes damaged(writer.view().begin(), writer.view().end());
  damaged.back() = std::byte{0xBF};
  Reader wrong(damaged);
  EXPECT_EQ(other.load(wrong).error().code, Errc::corrupt_state);
  EXPECT_EQ(other, policy);

  LinUcb plain = LinUcb::make({.intercept = true}, {.arms = 2, .features = 3}).value();
  Writer less;
  plain.save(less);
  Writer more;
  made<LinUcb>(2, 3).save(more);
  EXPECT_GT(more.view().size(), less.view().size());
  EXPECT_TRUE(std::equal(less.view().begin(), less.view().end(), more.view().begin()));
}

TEST(Standardise, WhatIsRefusedChangesNothing) {
  LinUcb policy = made<LinUcb>(2, 1);
  const Row first{1.0};
  ASSERT_EQ(policy.update({.arm = to_arm(0), .reward = 1.0, .input = {.dense = first}}), Errc::ok);
  const LinUcb before = policy;
  const Row huge{1e200};  // its square is beyond the finite numbers
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = 1.0, .input = {.dense = huge}}), Errc::non_finite);
  const Row second{2.0};
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = 1e308, .input = {.dense = second}}), Errc::non_finite);
  EXPECT_EQ(policy, before);
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = 1.0, .input = {.dense = second}, .weight = -1.0}),
            Errc::invalid_argument);
  EXPECT_EQ(policy, before);
  EXPECT_EQ(LinUcb::make({.forgetting = 0.99, .standardise = true}, {.arms = 2, .features = 2}).error().code,
            Errc::invalid_config);
  EXPECT_EQ(LinTs::make({.forgetting = 0.99, .standardise = true}, {.arms = 2, .features = 2}).error().code,
            Errc::invalid_config);
}

}  // namespace
}  // namespace attune::standardise_test
