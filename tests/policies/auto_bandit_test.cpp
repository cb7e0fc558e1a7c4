// SPDX-License-Identifier: Apache-2.0
// The laws that hold for every bandit are in tests/laws/ and run for AutoBandit too.
#include <attune/policies/auto_bandit.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/sampling.hpp>
#include <attune/policies/lin_ucb.hpp>

namespace attune::auto_bandit_test {
namespace {

using Point = std::vector<double>;

AutoBandit make_auto(std::size_t arms, std::size_t features, const AutoBandit::Config& config = {}) {
  return AutoBandit::make(config, {.arms = arms, .features = features}).value();
}

/// Mean reward of `steps` decisions in a world draw(rng, point) -> number of the arm that pays 1.
template <class B, class Draw>
double play(B& bandit, std::uint64_t steps, std::size_t features, double unit, const Draw& draw,
            std::vector<ArmIndex>* history = nullptr) {
  double total = 0.0;
  Point x(features);
  for (std::uint64_t i = 0; i < steps; ++i) {
    Rng world(1, 0, i);
    const std::size_t right = draw(world, x);
    for (double& value : x) {
      value *= unit;
    }
    Rng decision(2, 0, i);
    const Choice choice = bandit.select({.input = {.dense = x}}, decision);
    EXPECT_EQ(choice.status, Errc::ok);
    const double reward = to_index(choice.arm) == right ? 1.0 : 0.0;
    EXPECT_EQ(bandit.update({.arm = choice.arm, .reward = reward, .input = {.dense = x}}), Errc::ok);
    total += reward;
    if (history != nullptr) {
      history->push_back(choice.arm);
    }
  }
  return total / static_cast<double>(steps);
}

std::size_t draw_xor(Rng& rng, Point& x) {
  for (double& value : x) {
    value = 2.0 * rng.uniform() - 1.0;
  }
  return x[0] * x[1] > 0.0 ? 1 : 0;
}

// A policy that does not see the product is right half of the time: in 2,000 tosses of a coin more than 0.56
// is seen once in 10^7 times (5.2 deviations of 0.0112).
TEST(AutoBandit, LearnsExclusiveOrWhereALinearPolicyCannot) {
  AutoBandit bandit = make_auto(2, 2);
  EXPECT_GE(play(bandit, 2000, 2, 1.0, draw_xor), 0.9);
  LinUcb linear = LinUcb::make({}, {.arms = 2, .features = 2}).value();
  EXPECT_LT(play(linear, 2000, 2, 1.0, draw_xor), 0.56);
  EXPECT_GT(bandit.weights()[2] + bandit.weights()[3], 0.5) << "products and centres do not lead";
  EXPECT_NE(bandit.describe().summary.find("predicts best"), std::string::npos);
}

TEST(AutoBandit, LearnsExclusiveOrBesideFeaturesThatMeanNothing) {
  AutoBandit bandit = make_auto(2, 6);
  EXPECT_GE(play(bandit, 2000, 6, 1.0, draw_xor), 0.75);
}

// A power of two changes no rounding, so the choices must be the same, one by one.
TEST(AutoBandit, TheUnitOfTheContextDoesNotMatter) {
  std::vector<ArmIndex> ones;
  std::vector<ArmIndex> thousands;
  AutoBandit small = make_auto(2, 3);
  AutoBandit large = make_auto(2, 3);
  (void)play(small, 400, 3, 1.0, draw_xor, &ones);
  (void)play(large, 400, 3, 1024.0, draw_xor, &thousands);
  EXPECT_EQ(ones, thousands);
}

TEST(AutoBandit, TheUnitOfTheRewardDoesNotMatter) {
  for (const std::size_t features : {0, 3}) {
    std::array<AutoBandit, 2> bandits{make_auto(4, features), make_auto(4, features)};
    constexpr std::array<double, 2> kUnit{1.0, 4096.0};
    Point x(features);
    for (std::uint64_t i = 0; i < 600; ++i) {
      std::array<ArmIndex, 2> chosen{};
      for (std::size_t b = 0; b < 2; ++b) {
        Rng world(3, 0, i);
        for (double& value : x) {
          value = world.uniform();
        }
        Rng decision(4, 0, i);
        chosen.at(b) = bandits.at(b).select({.input = {.dense = x}}, decision).arm;
        const double reward =
            kUnit.at(b) * (0.5 * static_cast<double>(to_index(chosen.at(b))) + sample_normal(world) - 3.0);
        ASSERT_EQ(bandits.at(b).update({.arm = chosen.at(b), .reward = reward, .input = {.dense = x}}),
                  Errc::ok);
      }
      // The very first rewards without a context are judged by a prior of unit 1.
      ASSERT_TRUE(chosen[0] == chosen[1] || (features == 0 && i < 2)) << "step " << i;
      if (chosen[0] != chosen[1]) {
        bandits[1] = make_auto(4, features);
        bandits[0] = make_auto(4, features);
      }
    }
  }
}

TEST(AutoBandit, AFeatureThatVariesOnlyAfterTheScaleIsFixedStillCounts) {
  AutoBandit bandit = make_auto(2, 2, {.replay = 16});
  std::uint64_t step = 0;
  const auto draw = [&step](Rng& rng, Point& x) {
    const bool late = ++step > 200;
    x[0] = rng.uniform();
    x[1] = late && rng.uniform() < 0.5 ? 7.0 : 3.0;
    return std::size_t{x[1] == 7.0 ? 1U : 0U};
  };
  (void)play(bandit, 200, 2, 1.0, draw);
  EXPECT_GE(play(bandit, 1000, 2, 1.0, draw), 0.9);
}

TEST(AutoBandit, OneRewardByHand) {
  AutoBandit bandit = make_auto(2, 2);
  const Point x{3.0, -1.0};
  ASSERT_EQ(bandit.update({.arm = to_arm(0), .reward = 1.0, .input = {.dense = x}}), Errc::ok);
  // z = 0, as nothing has varied. Means: 1 / (1 + 1). Linear: phi = (1, 0, 0), A = 1 + 1, b = 1. Products:
  // phi = (1, 0, 0, -0.7, 0, -0.7), phi'phi = 1.98, prediction 1.98 / 2.98. Centres: as linear, as none is
  // set. Each predicted 0 before, so that the weights are still those of the start: 1/64, 1, 1, 1.
  constexpr double kMeans = 1.0 / 64;
  for (std::size_t c = 0; c < 4; ++c) {
    EXPECT_DOUBLE_EQ(bandit.weights()[c], (c == 0 ? kMeans : 1.0) / (3.0 + kMeans));
  }
  EXPECT_NEAR(bandit.expectation(to_arm(0), {.dense = x}, {}),
              (kMeans * 0.5 + 0.5 + 1.98 / 2.98 + 0.5) / (3.0 + kMeans), 1e-14);
  EXPECT_EQ(bandit.expectation(to_arm(1), {.dense = x}, {}), 0.0);
  EXPECT_TRUE(std::isnan(bandit.expectation(to_arm(2), {.dense = x}, {})));
}

TEST(AutoBandit, ModelsFitIntoTheMemoryThatIsAllowed) {
  constexpr double kMebibyte = 1024.0 * 1024.0;
  for (const std::size_t arms : {2, 100, 1000}) {
    for (const std::size_t features : {3, 100, 5000}) {
      AutoBandit bandit = make_auto(arms, features);
      double bytes = 0.0;
      for (const RewardModel& model : bandit.models()) {
        bytes += RewardModel::bytes(arms, model.length());
      }
      EXPECT_LE(bytes, 64.0 * kMebibyte) << arms << " arms, " << features << " features";
      Rng rng(5);
      Point x(features, 1.0);
      for (int i = 0; i < 12; ++i) {
        x[static_cast<std::size_t>(rng.below(features))] = rng.uniform();
        const Choice choice = bandit.select({.input = {.dense = x}}, rng);
        ASSERT_EQ(choice.status, Errc::ok);
        ASSERT_EQ(bandit.update({.arm = choice.arm, .reward = rng.uniform(), .input = {.dense = x}}),
                  Errc::ok);
      }
    }
  }
}

// Arms of mean 0 ... 0.9 in deviations of 0.5, times a unit: the share of the best two in the second half.
TEST(AutoBandit, WithoutAContextItFindsTheBestArmInAnyUnit) {
  for (const double unit : {1e-6, 1.0, 1e6}) {
    AutoBandit bandit = make_auto(10, 0);
    int best = 0;
    for (std::uint64_t i = 0; i < 6000; ++i) {
      Rng rng(6, 0, i);
      const Choice choice = bandit.select({}, rng);
      const double mean = 0.1 * static_cast<double>(to_index(choice.arm));
      ASSERT_EQ(bandit.update({.arm = choice.arm, .reward = unit * (mean + 0.5 * sample_normal(rng) - 10.0)}),
                Errc::ok);
      best += i >= 3000 && to_index(choice.arm) >= 8 ? 1 : 0;
    }
    EXPECT_GE(best, 2700) << "unit " << unit;
  }
}

TEST(AutoBandit, APriorIsBelievedUntilRewardsSpeakAgainstIt) {
  for (const std::size_t features : {0, 2}) {
    AutoBandit bandit = make_auto(3, features);
    ASSERT_TRUE(bandit.warm_start(to_arm(1), {.mean = 1.0, .weight = 50.0}));
    ASSERT_TRUE(bandit.warm_start(to_arm(0), {.mean = 0.1, .weight = 50.0}));
    ASSERT_TRUE(bandit.warm_start(to_arm(2), {.mean = 0.1, .weight = 50.0}));
    const Point x(features, 0.5);
    Rng rng(7);
    ASSERT_EQ(bandit.select({.input = {.dense = x}}, rng).arm, to_arm(1));
    for (int i = 0; i < 600; ++i) {
      ASSERT_EQ(bandit.update({.arm = to_arm(1), .reward = 0.0, .input = {.dense = x}}), Errc::ok);
    }
    int other = 0;
    for (int i = 0; i < 50; ++i) {
      other += bandit.select({.input = {.dense = x}}, rng).arm != to_arm(1) ? 1 : 0;
    }
    EXPECT_GT(other, 25) << features << " features";
  }
}

TEST(AutoBandit, ForgettingEverythingStartsAfresh) {
  AutoBandit bandit = make_auto(2, 2);
  (void)play(bandit, 500, 2, 100.0, draw_xor);
  ASSERT_EQ(bandit.forget(kNoArm, 0.0), Errc::ok);
  AutoBandit fresh = make_auto(2, 2);
  std::vector<ArmIndex> again;
  std::vector<ArmIndex> first;
  (void)play(bandit, 300, 2, 1.0, draw_xor, &again);
  (void)play(fresh, 300, 2, 1.0, draw_xor, &first);
  EXPECT_EQ(again, first);
  EXPECT_EQ(bandit.forget(to_arm(2), 0.5), Errc::unknown_arm);
  EXPECT_EQ(bandit.forget(to_arm(1), 1.5), Errc::invalid_argument);
  EXPECT_EQ(bandit.forget(to_arm(1), 0.5), Errc::ok);
}

TEST(AutoBandit, WhatItCannotDoIsRefused) {
  const Result<AutoBandit> sparse = AutoBandit::make({}, {.arms = 2, .features = 4, .sparse = true});
  ASSERT_FALSE(sparse);
  EXPECT_EQ(sparse.error().code, Errc::unsupported);
  const Result<AutoBandit> wide = AutoBandit::make({.alpha = -1.0}, {.arms = 2, .features = 4});
  ASSERT_FALSE(wide);
  EXPECT_EQ(wide.error().code, Errc::invalid_config);
  AutoBandit bandit = make_auto(2, 1);
  const Point huge{1e300};
  const Point small{-1e300};
  ASSERT_EQ(bandit.update({.arm = to_arm(0), .reward = 1.0, .input = {.dense = huge}}), Errc::ok);
  const AutoBandit before = bandit;
  EXPECT_EQ(bandit.update({.arm = to_arm(0), .reward = 1.0, .input = {.dense = small}}), Errc::non_finite);
  EXPECT_EQ(bandit.update({.arm = to_arm(0), .reward = 1e80, .input = {.dense = huge}}), Errc::non_finite);
  EXPECT_TRUE(bandit == before);
  EXPECT_FALSE(bandit.warm_start(to_arm(0), {.mean = 1e80, .weight = 1.0}));
}

TEST(AutoBandit, AStateOfAnotherReplayAndMemoryIsRead) {
  AutoBandit bandit = make_auto(3, 4, {.centres = 32, .replay = 200});
  (void)play(bandit, 300, 4, 1.0, draw_xor);
  AutoBandit other = make_auto(1, 4, {.replay = 8, .memory_mb = 1.0});
  ASSERT_TRUE(load_state(other, save_state(bandit)));
  EXPECT_EQ(other.models().size(), bandit.models().size());
  Rng left(8);
  Rng right(8);
  const Point x{0.1, 0.2, -0.3, 0.4};
  EXPECT_EQ(other.select({.input = {.dense = x}}, left).score,
            bandit.select({.input = {.dense = x}}, right).score);
  AutoBandit narrow = make_auto(3, 3);
  const Result<void> refused = load_state(narrow, save_state(bandit));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::corrupt_state);
}

TEST(RewardModel, FeaturesByHand) {
  RewardModel model = RewardModel::make(ModelKind::products, 1, 4, 0).value();
  std::array<double, 15> phi{};
  model.map(std::array<double, 4>{1.0, -2.0, 0.5, 0.0}, phi);
  // 2 / sqrt 4 = 1 before each z, 2 / 4 before each product, 1.4 / 4 before each square less 1.
  const std::array<double, 15> expected{1.0, 1.0,  -2.0, 0.5, 0.0,     0.0, -1.0, 0.25,
                                        0.0, 1.05, -0.5, 0.0, -0.2625, 0.0, -0.35};
  for (std::size_t i = 0; i < phi.size(); ++i) {
    EXPECT_NEAR(phi.at(i), expected.at(i), 1e-15) << i;
  }
  RewardModel centres = RewardModel::make(ModelKind::centres, 1, 2, 2).value();
  centres.set_centre(0, std::array<double, 2>{1.0, 0.0});
  std::array<double, 5> near{};
  centres.map(std::array<double, 2>{0.0, 0.0}, near);
  EXPECT_NEAR(near[3], std::exp(-1.0), 1e-15);  // exp(-2 * 1 / 2)
  EXPECT_EQ(near[4], 0.0) << "a centre that is not set";
}

TEST(ContextScaling, BringsFeaturesToOneSize) {
  ContextScaling scaling(3);
  for (const double value : {2.0, 4.0, 6.0}) {
    const Point x{value, 5.0, 1e9 + value};
    ASSERT_TRUE(scaling.can_note(x));
    scaling.note(x);
  }
  const Point seen{6.0, 5.0, 1e9 + 6.0};
  EXPECT_EQ(scaling.scaled(seen, 0), 0.0) << "nothing is adopted yet";
  scaling.adopt();
  // Mean 4, variance (4 + 0 + 4) / 3.
  EXPECT_NEAR(scaling.scaled(seen, 0), 2.0 / std::sqrt(8.0 / 3.0), 1e-15);
  EXPECT_EQ(scaling.scaled(seen, 1), 0.0);
  EXPECT_NEAR(scaling.scaled(seen, 2), 2.0 / std::sqrt(8.0 / 3.0), 1e-6);
  const Point far{1e6, 5.5, -1e300};
  EXPECT_EQ(scaling.scaled(far, 0), ContextScaling::kReach);
  EXPECT_EQ(scaling.scaled(far, 2), -ContextScaling::kReach);
  EXPECT_EQ(scaling.scaled(far, 1), 0.0);
  scaling.widen(far);
  EXPECT_EQ(scaling.scaled(far, 1), ContextScaling::kReach);
  EXPECT_EQ(scaling.scaled(seen, 1), 0.0);
  EXPECT_FALSE(scaling.can_note(Point{1.7e308, 0.0, 0.0}));
}

}  // namespace
}  // namespace attune::auto_bandit_test
