// SPDX-License-Identifier: Apache-2.0
// Laws of DuelingBandit over the shipped types.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/policies/builtin_sets.hpp>

#include "tests/laws/state_laws.hpp"
#include "tests/support/allocation_counter.hpp"
#include "tests/support/statistics.hpp"

namespace attune::laws::duel_laws_test {
namespace {

template <DuelingBandit B>
[[nodiscard]] B make_bandit(std::size_t arms) {
  return B::make({}, {.arms = arms}).value();
}

/// Arm a beats arm b with probability 1/2 + 0.1 (b - a), in [0.1, 0.9]; one comparison of five is a tie.
[[nodiscard]] DuelFeedback compare(const PairChoice& pair, Rng& world) {
  const double lead =
      0.1 * (static_cast<double>(to_index(pair.second)) - static_cast<double>(to_index(pair.first)));
  const bool first = world.uniform() < std::clamp(0.5 + lead, 0.1, 0.9);
  return {.winner = first ? pair.first : pair.second,
          .loser = first ? pair.second : pair.first,
          .tie = world.below(5) == 0};
}

/// `steps` comparisons, arms coming and going; all of it follows from the seed.
template <DuelingBandit B>
void live(B& bandit, std::uint64_t seed, int steps) {
  Rng world(seed);
  for (int step = 0; step < steps; ++step) {
    Rng rng(seed, 1, static_cast<std::uint64_t>(step));
    const PairChoice pair = bandit.select_pair({}, rng);
    if (pair.status == Errc::ok && pair.first != pair.second) {
      DuelFeedback feedback = compare(pair, world);
      feedback.weight = world.below(4) == 0 ? world.uniform() : 1.0;
      ASSERT_EQ(bandit.update(feedback), Errc::ok);
    }
    ASSERT_NO_FATAL_FAILURE(change_arms(bandit, world));
  }
}

template <DuelingBandit B>
[[nodiscard]] B lived(std::uint64_t seed, std::size_t arms = 4, int steps = 40) {
  B bandit = make_bandit<B>(arms);
  live(bandit, seed, steps);
  return bandit;
}

template <class B>
class DuelLaws : public testing::Test {};
TYPED_TEST_SUITE(DuelLaws, AsTestTypes<BuiltinDuelingBandits>::type, TypeNames);

TYPED_TEST(DuelLaws, SameSeedGivesTheSamePairsAndState) {
  EXPECT_TRUE(same_state(lived<TypeParam>(1), lived<TypeParam>(1)));
  EXPECT_FALSE(lived<TypeParam>(1) == lived<TypeParam>(2));
}

TYPED_TEST(DuelLaws, WhatIsSavedIsLoadedAndPlaysOnTheSame) {
  TypeParam original = lived<TypeParam>(3);
  expect_round_trip(original, make_bandit<TypeParam>(2));
  expect_round_trip(make_bandit<TypeParam>(0), make_bandit<TypeParam>(2));
  TypeParam restored = make_bandit<TypeParam>(1);
  ASSERT_TRUE(load_state(restored, save_state(original)));
  live(original, 4, 30);
  live(restored, 4, 30);
  EXPECT_TRUE(same_state(restored, original));
  EXPECT_EQ(original.describe().rows.size(), original.arm_count());
}

TYPED_TEST(DuelLaws, EveryCutIsRefused) {
  expect_every_cut_is_refused(lived<TypeParam>(5, 3, 15), lived<TypeParam>(6, 3, 15));
}

TYPED_TEST(DuelLaws, FlippedBitsDoNoHarm) {
  const auto probe = [](const TypeParam& bandit) {
    TypeParam copy = bandit;
    Rng rng(7);
    const PairChoice pair = copy.select_pair({}, rng);
    ASSERT_TRUE(pair.status == Errc::ok || pair.status == Errc::no_arm);
    if (pair.status == Errc::ok) {
      ASSERT_TRUE(copy.enabled(pair.first) && copy.enabled(pair.second));
      ASSERT_TRUE(copy.enabled(copy.best_arm()));
      (void)copy.update({.winner = pair.first, .loser = pair.second});
    }
  };
  expect_flipped_bits_do_no_harm(lived<TypeParam>(5, 3, 15), lived<TypeParam>(6, 3, 15), probe);
  expect_the_frame_notices_every_flipped_bit(lived<TypeParam>(5, 2, 8), lived<TypeParam>(6, 2, 8));
}

TYPED_TEST(DuelLaws, PairsAreOfferedAndEnabled) {
  TypeParam bandit = make_bandit<TypeParam>(6);
  Rng world(8);
  for (int round = 0; round < 300; ++round) {
    live(bandit, 100 + static_cast<std::uint64_t>(round), 1);
    std::vector<ArmIndex> offered;
    for (std::uint64_t i = world.below(5); i > 0; --i) {
      offered.push_back(to_arm(static_cast<std::size_t>(world.below(bandit.arm_count() + 1))));
    }
    offered.push_back(kNoArm);
    std::vector<ArmIndex> possible;
    std::ranges::copy_if(offered, std::back_inserter(possible),
                         [&](ArmIndex arm) { return bandit.enabled(arm); });
    const PairChoice pair = bandit.select_pair({.offered = offered}, world);
    ASSERT_EQ(pair.status, possible.empty() ? Errc::no_arm : Errc::ok);
    for (const ArmIndex arm : {pair.first, pair.second}) {
      ASSERT_TRUE(possible.empty() ? arm == kNoArm : std::ranges::count(possible, arm) > 0);
    }
    if (std::ranges::count(possible, pair.first) == static_cast<std::ptrdiff_t>(possible.size())) {
      ASSERT_TRUE(possible.empty() || pair.propensity == 1.0);  // nothing else was possible
    }
  }
}

TYPED_TEST(DuelLaws, PropensitiesAreThoseOfThePairsDrawn) {
  for (const int steps : {0, 6, 60, 400}) {
    const TypeParam bandit = lived<TypeParam>(9, 4, steps);
    std::map<std::pair<ArmIndex, ArmIndex>, std::pair<double, double>> pairs;  // propensity, count
    for (std::uint64_t i = 0; i < 20'000; ++i) {
      Rng rng(10, 0, i);
      const PairChoice pair = bandit.select_pair({}, rng);
      if (pair.status != Errc::ok || std::isnan(pair.propensity)) {
        return;  // computed later
      }
      auto& [propensity, count] = pairs[{pair.first, pair.second}];
      ASSERT_TRUE(count == 0.0 || propensity == pair.propensity);
      propensity = pair.propensity;
      ++count;
    }
    std::vector<double> counts;
    std::vector<double> propensities;
    double total = 0.0;
    for (const auto& [pair, entry] : pairs) {
      propensities.push_back(entry.first);
      counts.push_back(entry.second);
      total += entry.first;
    }
    EXPECT_NEAR(total, 1.0, 1e-9) << "after " << steps;
    EXPECT_TRUE(test::matches_probabilities(counts, propensities)) << "after " << steps;
  }
}

TYPED_TEST(DuelLaws, RefusedUpdatesChangeNothing) {
  TypeParam bandit = lived<TypeParam>(11);
  const TypeParam before = bandit;
  const auto refuse = [&](Errc expected, const DuelFeedback& bad) {
    EXPECT_EQ(bandit.update(bad), expected);
    EXPECT_TRUE(same_state(bandit, before));
  };
  const ArmIndex none = to_arm(bandit.arm_count());
  refuse(Errc::unknown_arm, {.winner = none, .loser = to_arm(0)});
  refuse(Errc::unknown_arm, {.winner = to_arm(0), .loser = kNoArm});
  refuse(Errc::invalid_argument, {.winner = to_arm(1), .loser = to_arm(1)});
  refuse(Errc::invalid_argument, {.winner = to_arm(0), .loser = to_arm(1), .weight = -1.0});
  refuse(Errc::invalid_argument, {.winner = to_arm(0), .loser = to_arm(1), .weight = 2.0 * kMaxDuelWeight});
  refuse(Errc::non_finite,
         {.winner = to_arm(0), .loser = to_arm(1), .weight = std::numeric_limits<double>::quiet_NaN()});
  const std::array<double, 1> longer{1.0};
  refuse(Errc::dimension_mismatch, {.winner = to_arm(0), .loser = to_arm(1), .input = {.dense = longer}});
  Rng rng(12);
  EXPECT_EQ(bandit.select_pair({.input = {.dense = longer}}, rng).status, Errc::dimension_mismatch);
  EXPECT_EQ(bandit.reset_arm(none), Errc::unknown_arm);
  EXPECT_EQ(bandit.set_enabled(none, false), Errc::unknown_arm);
  EXPECT_EQ(bandit.update({.winner = to_arm(0), .loser = to_arm(1)}), Errc::ok);
  EXPECT_EQ(bandit.updates(), before.updates() + 1);
}

TYPED_TEST(DuelLaws, WithoutArmsThereIsNoPairAndOneArmStandsAlone) {
  TypeParam bandit = make_bandit<TypeParam>(0);
  Rng rng(13);
  EXPECT_EQ(bandit.select_pair({}, rng).status, Errc::no_arm);
  EXPECT_EQ(bandit.best_arm(), kNoArm);
  ASSERT_EQ(bandit.add_arm().value(), to_arm(0));
  const PairChoice alone = bandit.select_pair({}, rng);
  EXPECT_EQ(alone.first, to_arm(0));
  EXPECT_EQ(alone.second, to_arm(0));
  EXPECT_EQ(alone.propensity, 1.0);
}

TYPED_TEST(DuelLaws, ArmsThatAreResetAreAsIfJustAdded) {
  TypeParam bandit = make_bandit<TypeParam>(3);
  for (std::size_t i = 0; i < 20; ++i) {
    ASSERT_EQ(bandit.update({.winner = to_arm(0), .loser = to_arm(1 + i % 2)}), Errc::ok);
  }
  EXPECT_EQ(bandit.best_arm(), to_arm(0));
  ASSERT_EQ(bandit.add_arm().value(), to_arm(3));
  ASSERT_EQ(bandit.reset_arm(to_arm(0)), Errc::ok);
  const Description text = bandit.describe();
  EXPECT_EQ(text.rows[0], text.rows[3]);
}

TYPED_TEST(DuelLaws, TheBestArmIsFoundAndKept) {
  TypeParam bandit = make_bandit<TypeParam>(5);
  Rng world(14);
  int good = 0;
  for (std::uint64_t step = 0; step < 4'000; ++step) {
    Rng rng(15, 0, step);
    const PairChoice pair = bandit.select_pair({}, rng);
    ASSERT_EQ(pair.status, Errc::ok);
    good += step >= 3'000 && (to_index(pair.first) == 0 || to_index(pair.second) == 0) ? 1 : 0;
    if (pair.first != pair.second) {
      ASSERT_EQ(bandit.update(compare(pair, world)), Errc::ok);
    }
  }
  EXPECT_EQ(bandit.best_arm(), to_arm(0));
  EXPECT_GT(good, 700);  // of 1,000; 360 by chance
}

TYPED_TEST(DuelLaws, TheHotPathDoesNotAllocate) {
  TypeParam bandit = make_bandit<TypeParam>(12);
  Rng world(16);
  std::size_t allocations = 0;
  for (std::uint64_t i = 0; i < 300; ++i) {
    Rng rng(17, 0, i);
    const test::AllocationCount count;
    const PairChoice pair = bandit.select_pair({}, rng);
    if (pair.first != pair.second) {
      (void)bandit.update(compare(pair, world));
    }
    allocations += bandit.best_arm() == kNoArm ? 1U : 0U;
    allocations += count.count();
  }
  EXPECT_GT(bandit.updates(), 50U);
  EXPECT_EQ(allocations, 0U);
}

}  // namespace
}  // namespace attune::laws::duel_laws_test
