// SPDX-License-Identifier: Apache-2.0
// What bandits keep of their evidence when they are told to forget, and what they expect.
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/core/rng.hpp>
#include <attune/engine/registry.hpp>
#include <attune/policies/lin_ucb.hpp>
#include <attune/policies/thompson_beta.hpp>
#include <attune/policies/thompson_gaussian.hpp>
#include <attune/policies/ucb1.hpp>

namespace attune::forgetting_test {
namespace {

template <class P>
void learn(P& policy, std::size_t arm, double reward, double weight = 1.0) {
  ASSERT_EQ(policy.update({.arm = to_arm(arm), .reward = reward, .weight = weight}), Errc::ok);
}

TEST(Forgetting, CountsOfThompsonBetaShrinkAndItsPriorStays) {
  ThompsonBeta policy = ThompsonBeta::make({.alpha = 2.0, .beta = 3.0}, {.arms = 2}).value();
  learn(policy, 0, 1.0, 8.0);
  learn(policy, 0, 0.0, 4.0);
  learn(policy, 1, 1.0, 4.0);
  ASSERT_EQ(policy.forget(to_arm(0), 0.25), Errc::ok);
  EXPECT_EQ(policy.alpha(to_arm(0)), 2.0 + 2.0);
  EXPECT_EQ(policy.beta(to_arm(0)), 3.0 + 1.0);
  EXPECT_EQ(policy.alpha(to_arm(1)), 2.0 + 4.0);
  EXPECT_EQ(policy.expectation(to_arm(0), {}, {}), 0.5);
  ASSERT_EQ(policy.forget(kNoArm, 0.0), Errc::ok);
  EXPECT_EQ(policy.alpha(to_arm(1)), 2.0);
}

// Rewards of weight w twice over, forgotten by a half, are those rewards of weight w once.
TEST(Forgetting, HalfOfTwiceTheRewardsOfThompsonGaussianIsThoseRewards) {
  const ThompsonGaussianConfig config{
      .prior_mean = 2.0, .prior_weight = 0.5, .prior_shape = 3.0, .prior_scale = 4.0};
  ThompsonGaussian once = ThompsonGaussian::make(config, {.arms = 1}).value();
  ThompsonGaussian twice = ThompsonGaussian::make(config, {.arms = 1}).value();
  for (const double reward : {1.5, -2.0, 7.25, 3.0}) {
    learn(once, 0, reward, 1.0);
    learn(twice, 0, reward, 2.0);
  }
  ASSERT_EQ(twice.forget(to_arm(0), 0.5), Errc::ok);
  const auto& a = once.posterior(to_arm(0));
  const auto& b = twice.posterior(to_arm(0));
  // A dozen operations on numbers of about 10: 1e-13 leaves room for their rounding.
  EXPECT_NEAR(a.mean, b.mean, 1e-13);
  EXPECT_NEAR(a.weight, b.weight, 1e-13);
  EXPECT_NEAR(a.shape, b.shape, 1e-13);
  EXPECT_NEAR(a.scale, b.scale, 1e-12);
}

TEST(Forgetting, HalfOfTwiceTheRewardsOfALinearModelIsThoseRewards) {
  LinUcb once = LinUcb::make({}, {.arms = 1, .features = 3}).value();
  LinUcb twice = LinUcb::make({}, {.arms = 1, .features = 3}).value();
  Rng rng(1, 0, 0, 0);
  std::array<double, 3> x{};
  for (int i = 0; i < 50; ++i) {
    for (double& entry : x) {
      entry = rng.uniform();
    }
    const double reward = x[0] - 2.0 * x[2];
    ASSERT_EQ(once.update({.arm = to_arm(0), .reward = reward, .input = {.dense = x}}), Errc::ok);
    ASSERT_EQ(twice.update({.arm = to_arm(0), .reward = reward, .input = {.dense = x}, .weight = 2.0}),
              Errc::ok);
  }
  EXPECT_GT(std::abs(once.expectation(to_arm(0), {.dense = x}, {}) -
                     twice.expectation(to_arm(0), {.dense = x}, {})),
            1e-4);
  ASSERT_EQ(twice.forget(to_arm(0), 0.5), Errc::ok);
  // Matrices of condition below 100: 1e-12 is 40 times their rounding.
  EXPECT_NEAR(once.expectation(to_arm(0), {.dense = x}, {}), twice.expectation(to_arm(0), {.dense = x}, {}),
              1e-12);
  EXPECT_TRUE(std::isnan(once.expectation(to_arm(0), {}, {})));
}

TEST(Forgetting, Ucb1WeighsNewRewardsMoreAndWidensItsBound) {
  Ucb1 policy = Ucb1::make({}, {.arms = 2}).value();
  for (int i = 0; i < 8; ++i) {
    learn(policy, 0, 1.0);
    learn(policy, 1, 1.0);
  }
  EXPECT_EQ(policy.expectation(to_arm(0), {}, {}), 1.0);
  ASSERT_EQ(policy.forget(to_arm(0), 0.125), Errc::ok);
  learn(policy, 0, 0.0);
  EXPECT_DOUBLE_EQ(policy.expectation(to_arm(0), {}, {}), 0.5);
  EXPECT_TRUE(std::isnan(Ucb1::make({}, {.arms = 1}).value().expectation(to_arm(0), {}, {})));
}

TEST(Forgetting, EveryBanditThatForgetsGoesOnFromAStateThatItCanLoad) {
  for (const char* type :
       {"epsilon_greedy", "ucb1", "ucb_tuned", "thompson_beta", "thompson_gaussian", "lin_ucb", "lin_ts"}) {
    const Shape shape{.arms = 3, .features = 2};
    const auto make = [&] {
      return std::get<AnyBandit>(make_policy(nlohmann::json{{"type", type}}, shape, "").value());
    };
    AnyBandit policy = make();
    ASSERT_TRUE(policy.can_forget()) << type;
    ASSERT_TRUE(policy.has_expectation()) << type;
    const std::array<double, 2> x{1.0, 0.5};
    Rng rng(1, 0, 0, 0);
    for (int i = 0; i < 400; ++i) {
      const ArmIndex arm = to_arm(static_cast<std::size_t>(rng.below(3)));
      ASSERT_EQ(policy.note_pull(arm), Errc::ok);
      ASSERT_EQ(
          policy.update({.arm = arm, .reward = rng.uniform(), .input = {.dense = x}, .announced = true}),
          Errc::ok);
      if (i % 7 == 0) {
        ASSERT_EQ(policy.forget(i % 2 == 0 ? kNoArm : arm, 1e-9 * static_cast<double>(i % 3)), Errc::ok);
      }
      const double expected = policy.expectation(arm, {.dense = x}, {});
      ASSERT_TRUE(std::isnan(expected) || (expected > -0.1 && expected < 1.1)) << type << " " << expected;
    }
    Writer writer;
    policy.save(writer);
    AnyBandit loaded = make();
    Reader reader(writer.view());
    ASSERT_TRUE(loaded.load(reader)) << type;
    EXPECT_TRUE(loaded == policy) << type;
    const AnyBandit before = policy;
    EXPECT_EQ(policy.forget(to_arm(9), 0.5), Errc::unknown_arm);
    EXPECT_EQ(policy.forget(to_arm(0), 1.5), Errc::invalid_argument);
    EXPECT_EQ(policy.forget(to_arm(0), std::nan("")), Errc::invalid_argument);
    EXPECT_TRUE(policy == before) << type;
    EXPECT_TRUE(std::isnan(policy.expectation(to_arm(9), {.dense = x}, {}))) << type;
  }
}

}  // namespace
}  // namespace attune::forgetting_test
