// SPDX-License-Identifier: Apache-2.0
// Laws of ContinuousBandit over the shipped types.
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <attune/policies/builtin_sets.hpp>

#include "tests/laws/state_laws.hpp"
#include "tests/support/allocation_counter.hpp"
#include "tests/support/statistics.hpp"

namespace attune::laws::continuous_laws_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The Config and Shape a type is tested with: one dimension from 0 to 2, small states. Specialise for each.
template <class B>
struct ContinuousCase;
template <>
struct ContinuousCase<OptimisticTree> {
  static OptimisticTree::Config config() { return {.low = {0.0}, .high = {2.0}, .max_nodes = 31}; }
  static constexpr std::size_t kFeatures = 0;
};
template <>
struct ContinuousCase<SplineSquareCb> {
  static SplineSquareCb::Config config() { return {.low = 0.0, .high = 2.0, .basis = 4, .cells = 16}; }
  static constexpr std::size_t kFeatures = 1;
};

template <ContinuousBandit B>
[[nodiscard]] B make_bandit() {
  return B::make(ContinuousCase<B>::config(), {.features = ContinuousCase<B>::kFeatures}).value();
}

constexpr std::array<double, 1> kFeature{0.5};
template <ContinuousBandit B>
[[nodiscard]] Context context() {
  return {.input = {.dense = std::span(kFeature).first(ContinuousCase<B>::kFeatures)}};
}
template <ContinuousBandit B>
[[nodiscard]] ActionFeedback feedback(const std::array<double, 1>& action, double reward,
                                      double weight = 1.0) {
  return {.action = action, .reward = reward, .input = context<B>().input, .weight = weight};
}

/// Rewards of a hill at 0.6 with noise; every fourth action is somebody else's.
template <ContinuousBandit B>
void live(B& bandit, std::uint64_t seed, int steps) {
  Rng world(seed);
  for (int step = 0; step < steps; ++step) {
    Rng rng(seed, 1, static_cast<std::uint64_t>(step));
    std::array<double, 1> action{};
    ASSERT_EQ(bandit.select_action(context<B>(), rng, action).status, Errc::ok);
    if (world.below(4) == 0) {
      action[0] = 2.0 * world.uniform();
    }
    const double reward = 1.0 - (action[0] - 0.6) * (action[0] - 0.6) + 0.2 * (world.uniform() - 0.5);
    const double weight = world.below(3) == 0 ? world.uniform() : 1.0;
    ASSERT_EQ(bandit.update(feedback<B>(action, reward, weight)), Errc::ok);
  }
}

template <ContinuousBandit B>
[[nodiscard]] B lived(std::uint64_t seed, int steps = 30) {
  B bandit = make_bandit<B>();
  live(bandit, seed, steps);
  return bandit;
}

template <class B>
class ContinuousLaws : public testing::Test {};
TYPED_TEST_SUITE(ContinuousLaws, AsTestTypes<BuiltinContinuousBandits>::type, TypeNames);

TYPED_TEST(ContinuousLaws, SameSeedGivesTheSameActionsAndState) {
  EXPECT_TRUE(same_state(lived<TypeParam>(1), lived<TypeParam>(1)));
  EXPECT_FALSE(lived<TypeParam>(1) == lived<TypeParam>(2));
}

TYPED_TEST(ContinuousLaws, WhatIsSavedIsLoadedAndPlaysOnTheSame) {
  TypeParam original = lived<TypeParam>(3, 50);
  expect_round_trip(original, make_bandit<TypeParam>());
  expect_round_trip(make_bandit<TypeParam>(), lived<TypeParam>(4));
  TypeParam restored = make_bandit<TypeParam>();
  ASSERT_TRUE(load_state(restored, save_state(original)));
  live(original, 5, 20);
  live(restored, 5, 20);
  EXPECT_TRUE(same_state(restored, original));
  EXPECT_FALSE(original.describe().rows.empty());
}

TYPED_TEST(ContinuousLaws, EveryCutIsRefused) {
  expect_every_cut_is_refused(lived<TypeParam>(6, 15), lived<TypeParam>(7, 15));
}

TYPED_TEST(ContinuousLaws, FlippedBitsDoNoHarm) {
  const auto probe = [](const TypeParam& bandit) {
    TypeParam copy = bandit;
    std::array<double, 1> action{};
    Rng rng(8);
    const ActionDensity chosen = copy.select_action(context<TypeParam>(), rng, action);
    ASSERT_EQ(chosen.status, Errc::ok);
    ASSERT_TRUE(action[0] >= 0.0 && action[0] <= 2.0) << action[0];
    ASSERT_TRUE(chosen.density > 0.0 && chosen.density < kInfinity);
    (void)copy.update(feedback<TypeParam>(action, 0.5));
  };
  expect_flipped_bits_do_no_harm(lived<TypeParam>(6, 12), lived<TypeParam>(7, 12), probe);
  expect_the_frame_notices_every_flipped_bit(lived<TypeParam>(6, 6), lived<TypeParam>(7, 6));
}

TYPED_TEST(ContinuousLaws, DensitiesAreThoseOfTheActionsDrawn) {
  for (const int steps : {0, 5, 200}) {
    const TypeParam bandit = lived<TypeParam>(9, steps);
    // Densities are constant on pieces whose ends are multiples of 2 / 4096.
    constexpr std::size_t kFine = 4096;
    constexpr std::size_t kBins = 16;
    std::array<double, kBins> probability{};
    for (std::size_t i = 0; i < kFine; ++i) {
      const std::array<double, 1> at{2.0 * (static_cast<double>(i) + 0.5) / kFine};
      probability.at(i * kBins / kFine) += bandit.density(context<TypeParam>(), at) * 2.0 / kFine;
    }
    double total = 0.0;
    for (const double share : probability) {
      total += share;
    }
    EXPECT_NEAR(total, 1.0, 1e-9) << "after " << steps;
    std::array<double, kBins> counts{};
    for (std::uint64_t i = 0; i < 20'000; ++i) {
      Rng rng(10, 0, i);
      std::array<double, 1> action{};
      const ActionDensity chosen = bandit.select_action(context<TypeParam>(), rng, action);
      ASSERT_EQ(chosen.density, bandit.density(context<TypeParam>(), action)) << action[0];
      ++counts.at(std::min(static_cast<std::size_t>(action[0] / 2.0 * kBins), kBins - 1));
    }
    EXPECT_TRUE(test::matches_probabilities(counts, probability)) << "after " << steps;
  }
}

TYPED_TEST(ContinuousLaws, WhatDoesNotFitIsRefused) {
  TypeParam bandit = lived<TypeParam>(11);
  const TypeParam before = bandit;
  Rng rng(12);
  std::array<double, 2> two{};
  EXPECT_EQ(bandit.select_action(context<TypeParam>(), rng, two).status, Errc::dimension_mismatch);
  EXPECT_TRUE(std::isnan(bandit.density(context<TypeParam>(), two)));
  const std::array<double, 1> outside{2.5};
  EXPECT_EQ(bandit.density(context<TypeParam>(), outside), 0.0);
  const std::array<double, 3> longer{1.0, 2.0, 3.0};
  std::array<double, 1> one{0.5};
  EXPECT_EQ(bandit.select_action({.input = {.dense = longer}}, rng, one).status, Errc::dimension_mismatch);

  const auto refuse = [&](Errc expected, const ActionFeedback& bad) {
    EXPECT_EQ(bandit.update(bad), expected);
    EXPECT_TRUE(same_state(bandit, before));
  };
  ActionFeedback bad = feedback<TypeParam>(one, 0.5);
  bad.action = two;
  refuse(Errc::dimension_mismatch, bad);
  bad = feedback<TypeParam>(one, 0.5);
  bad.input = {.dense = longer};
  refuse(Errc::dimension_mismatch, bad);
  refuse(Errc::invalid_argument, feedback<TypeParam>(outside, 0.5));
  refuse(Errc::invalid_argument, feedback<TypeParam>(one, 0.5, -1.0));
  refuse(Errc::invalid_argument, feedback<TypeParam>(one, 0.5, 2.0 * kMaxActionWeight));
  for (const double number : {kNan, kInfinity}) {
    refuse(Errc::non_finite, feedback<TypeParam>({number}, 0.5));
    refuse(Errc::non_finite, feedback<TypeParam>(one, number));
    refuse(Errc::non_finite, feedback<TypeParam>(one, 0.5, number));
  }
  EXPECT_EQ(bandit.update(feedback<TypeParam>(one, 0.5)), Errc::ok);
  EXPECT_EQ(bandit.updates(), before.updates() + 1);
}

TYPED_TEST(ContinuousLaws, HugeAndEqualRewardsLeaveActionsInTheBox) {
  for (const double reward : {0.0, -1.0, 1e300, -1e300}) {
    TypeParam bandit = make_bandit<TypeParam>();
    for (std::uint64_t i = 0; i < 200; ++i) {
      Rng rng(13, 0, i);
      std::array<double, 1> action{};
      const ActionDensity chosen = bandit.select_action(context<TypeParam>(), rng, action);
      ASSERT_EQ(chosen.status, Errc::ok);
      ASSERT_TRUE(action[0] >= 0.0 && action[0] <= 2.0);
      ASSERT_GT(chosen.density, 0.0);
      const Errc verdict = bandit.update(feedback<TypeParam>(action, reward));
      ASSERT_TRUE(verdict == Errc::ok || verdict == Errc::non_finite);
    }
  }
}

TYPED_TEST(ContinuousLaws, TheHotPathDoesNotAllocate) {
  const TypeParam original = make_bandit<TypeParam>();
  TypeParam bandit = original;  // a copy has all the room that the original has
  std::size_t allocations = 0;
  for (std::uint64_t i = 0; i < 300; ++i) {
    Rng rng(14, 0, i);
    const test::AllocationCount count;
    std::array<double, 1> action{};
    (void)bandit.select_action(context<TypeParam>(), rng, action);
    (void)bandit.density(context<TypeParam>(), action);
    (void)bandit.update(feedback<TypeParam>(action, rng.uniform()));
    allocations += count.count();
  }
  EXPECT_EQ(bandit.updates(), 300U);
  EXPECT_EQ(allocations, 0U);
}

}  // namespace
}  // namespace attune::laws::continuous_laws_test
