// SPDX-License-Identifier: Apache-2.0
// Laws of SlateBandit over the shipped types.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <attune/policies/builtin_sets.hpp>

#include "tests/laws/state_laws.hpp"
#include "tests/support/allocation_counter.hpp"
#include "tests/support/statistics.hpp"

namespace attune::laws::slate_laws_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// The Config and Shape a type is tested with; specialise for what needs a context.
template <class B>
struct SlateCase {
  static typename B::Config config() { return {}; }
  static constexpr std::size_t kFeatures = 0;
};
template <>
struct SlateCase<TopKLinUcb> {
  static TopKLinUcb::Config config() { return {}; }
  static constexpr std::size_t kFeatures = 2;
};
template <>
struct SlateCase<SlateRidge> {
  static SlateRidge::Config config() { return {.positions = 3, .alpha = 0.5}; }
  static constexpr std::size_t kFeatures = 0;
};

template <SlateBandit B>
[[nodiscard]] B make_bandit(std::size_t arms) {
  return B::make(SlateCase<B>::config(), {.arms = arms, .features = SlateCase<B>::kFeatures}).value();
}

constexpr std::array<double, 2> kFeatures{0.75, -0.25};

template <SlateBandit B>
[[nodiscard]] Context context() {
  return {.input = {.dense = std::span(kFeatures).first(SlateCase<B>::kFeatures)}};
}

/// The signals that a policy learns from.
template <SlateBandit B>
[[nodiscard]] std::vector<SlateSignal> signals(const B& bandit) {
  std::vector<SlateSignal> taken;
  for (const SlateSignal signal : {SlateSignal::items, SlateSignal::first_click, SlateSignal::whole}) {
    if (bandit.takes(signal)) {
      taken.push_back(signal);
    }
  }
  return taken;
}

/// Numbers for a feedback that must outlive it.
struct Observed {
  std::vector<ArmIndex> shown;
  std::vector<double> rewards;
  SlateSignal signal{};
  std::size_t click = kNoClick;
  double reward = 0.0;
  double weight = 1.0;

  template <SlateBandit B>
  [[nodiscard]] SlateFeedback feedback() const {
    return {.shown = shown,
            .signal = signal,
            .rewards = rewards,
            .click = click,
            .reward = reward,
            .input = context<B>().input,
            .weight = weight};
  }
};

/// What a world says in which arm a pays 1 with probability 0.9, 0.8, ... and users look from the top.
[[nodiscard]] Observed observe(std::span<const ArmIndex> shown, SlateSignal signal, Rng& rng) {
  Observed seen{.shown = {shown.begin(), shown.end()}, .rewards = {}, .signal = signal};
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const double mean = std::max(0.9 - 0.2 * static_cast<double>(to_index(shown[i])), 0.05);
    const double reward = rng.uniform() < mean ? 1.0 : 0.0;
    seen.rewards.push_back(reward);
    seen.reward += reward;
    seen.click = seen.click == kNoClick && reward == 1.0 ? i : seen.click;
  }
  return seen;
}

/// `steps` slates, some rewarded, arms coming and going; all of it follows from the seed.
template <SlateBandit B>
void live(B& bandit, std::uint64_t seed, int steps) {
  Rng world(seed);
  std::array<ArmIndex, 3> arms{};
  for (int step = 0; step < steps; ++step) {
    Rng rng(seed, 1, static_cast<std::uint64_t>(step));
    const SlateChoice choice = bandit.select_slate(context<B>(), rng, {.arms = arms});
    if (choice.status == Errc::ok && world.below(5) != 0) {
      const std::vector<SlateSignal> taken = signals(bandit);
      const SlateSignal signal = taken[static_cast<std::size_t>(world.below(taken.size()))];
      Observed seen = observe(std::span(arms).first(choice.size), signal, world);
      seen.weight = world.below(4) == 0 ? world.uniform() : 1.0;
      ASSERT_EQ(bandit.update(seen.feedback<B>()), Errc::ok);
    }
    ASSERT_NO_FATAL_FAILURE(change_arms(bandit, world));
  }
}

template <SlateBandit B>
[[nodiscard]] B lived(std::uint64_t seed, std::size_t arms = 4, int steps = 30) {
  B bandit = make_bandit<B>(arms);
  live(bandit, seed, steps);
  return bandit;
}

template <class B>
class SlateLaws : public testing::Test {};
TYPED_TEST_SUITE(SlateLaws, AsTestTypes<BuiltinSlateBandits>::type, TypeNames);

TYPED_TEST(SlateLaws, SameSeedGivesTheSameSlatesAndState) {
  EXPECT_TRUE(same_state(lived<TypeParam>(1), lived<TypeParam>(1)));
  EXPECT_FALSE(lived<TypeParam>(1) == lived<TypeParam>(2));
}

TYPED_TEST(SlateLaws, WhatIsSavedIsLoadedAndPlaysOnTheSame) {
  TypeParam original = lived<TypeParam>(3);
  expect_round_trip(original, make_bandit<TypeParam>(2));
  expect_round_trip(make_bandit<TypeParam>(0), make_bandit<TypeParam>(2));
  TypeParam restored = make_bandit<TypeParam>(1);
  ASSERT_TRUE(load_state(restored, save_state(original)));
  live(original, 4, 20);
  live(restored, 4, 20);
  EXPECT_TRUE(same_state(restored, original));
  EXPECT_EQ(original.describe().rows.size(), original.arm_count());
}

TYPED_TEST(SlateLaws, EveryCutIsRefused) {
  expect_every_cut_is_refused(lived<TypeParam>(5, 3, 12), lived<TypeParam>(6, 3, 12));
}

TYPED_TEST(SlateLaws, FlippedBitsDoNoHarm) {
  const auto probe = [](TypeParam& bandit) {
    std::array<ArmIndex, 2> arms{};
    std::array<double, 2> propensities{};
    Rng rng(7);
    const SlateChoice choice =
        bandit.select_slate(context<TypeParam>(), rng, {.arms = arms, .propensities = propensities});
    ASSERT_TRUE(choice.status == Errc::ok || choice.status == Errc::no_arm);
    for (std::size_t i = 0; i < choice.size; ++i) {
      ASSERT_TRUE(bandit.enabled(arms[i]));
      ASSERT_TRUE(std::isnan(propensities[i]) || (propensities[i] > 0.0 && propensities[i] <= 1.0 + 1e-9));
    }
    Rng world(8);
    for (const SlateSignal signal : signals(bandit)) {
      if (choice.size > 0) {
        const Observed seen = observe(std::span(arms).first(choice.size), signal, world);
        (void)bandit.update(seen.feedback<TypeParam>());
      }
    }
  };
  expect_flipped_bits_do_no_harm(lived<TypeParam>(5, 2, 12), lived<TypeParam>(6, 2, 12),
                                 [&](const TypeParam& bandit) {
                                   TypeParam copy = bandit;
                                   probe(copy);
                                 });
  expect_the_frame_notices_every_flipped_bit(lived<TypeParam>(5, 2, 6), lived<TypeParam>(6, 2, 6));
}

TYPED_TEST(SlateLaws, SlatesHoldOfferedEnabledArmsOnce) {
  TypeParam bandit = make_bandit<TypeParam>(6);
  Rng world(9);
  for (int round = 0; round < 300; ++round) {
    live(bandit, 100 + static_cast<std::uint64_t>(round), 1);
    std::vector<ArmIndex> offered;
    for (std::uint64_t i = world.below(6); i > 0; --i) {
      offered.push_back(to_arm(static_cast<std::size_t>(world.below(bandit.arm_count() + 1))));
    }
    offered.push_back(kNoArm);
    Context seen = context<TypeParam>();
    seen.offered = offered;
    std::array<ArmIndex, 3> arms{};
    std::array<double, 3> propensities{};
    const SlateChoice choice = bandit.select_slate(seen, world, {.arms = arms, .propensities = propensities});
    std::vector<ArmIndex> possible;
    std::ranges::copy_if(offered, std::back_inserter(possible),
                         [&](ArmIndex arm) { return bandit.enabled(arm); });
    std::ranges::sort(possible);
    const auto repeated = std::ranges::unique(possible);
    possible.erase(repeated.begin(), repeated.end());
    ASSERT_EQ(choice.size, std::min<std::size_t>(possible.size(), 3));
    ASSERT_EQ(choice.status, possible.empty() ? Errc::no_arm : Errc::ok);
    double product = 1.0;
    for (std::size_t i = 0; i < 3; ++i) {
      if (i >= choice.size) {
        ASSERT_EQ(arms[i], kNoArm);
        ASSERT_EQ(propensities[i], 0.0);
        continue;
      }
      ASSERT_TRUE(std::ranges::binary_search(possible, arms[i]));
      ASSERT_EQ(std::ranges::count(arms, arms[i]), 1);
      product *= propensities[i];
    }
    if (choice.size > 0 && !std::isnan(product)) {
      ASSERT_NEAR(choice.propensity, product, 1e-12);
    }
  }
}

TYPED_TEST(SlateLaws, PropensitiesAreThoseOfTheListsDrawn) {
  for (const bool fresh : {true, false}) {
    const TypeParam bandit = fresh ? make_bandit<TypeParam>(4) : lived<TypeParam>(10, 4, 40);
    // An arm that is listed twice is one arm.
    const std::array<ArmIndex, 5> offered{to_arm(0), to_arm(1), to_arm(2), to_arm(1), to_arm(3)};
    Context seen = context<TypeParam>();
    seen.offered = offered;
    std::map<std::vector<ArmIndex>, std::pair<double, double>> lists;  // propensity, count
    for (std::uint64_t i = 0; i < 20'000; ++i) {
      Rng rng(11, 0, i);
      std::array<ArmIndex, 2> arms{};
      const SlateChoice choice = bandit.select_slate(seen, rng, {.arms = arms});
      if (choice.status != Errc::ok || std::isnan(choice.propensity)) {
        return;  // computed later
      }
      auto& [propensity, count] =
          lists[{arms.begin(), arms.begin() + static_cast<std::ptrdiff_t>(choice.size)}];
      ASSERT_TRUE(count == 0.0 || propensity == choice.propensity);
      propensity = choice.propensity;
      ++count;
    }
    std::vector<double> counts;
    std::vector<double> propensities;
    for (const auto& [list, entry] : lists) {
      propensities.push_back(entry.first);
      counts.push_back(entry.second);
    }
    EXPECT_NEAR(std::accumulate(propensities.begin(), propensities.end(), 0.0), 1.0, 1e-9);
    EXPECT_TRUE(test::matches_probabilities(counts, propensities));
  }
}

TYPED_TEST(SlateLaws, WrongPlacesForASlateAreRefused) {
  const TypeParam bandit = make_bandit<TypeParam>(5);
  Rng rng(12);
  std::vector<ArmIndex> arms(kMaxSlate + 1);
  std::vector<double> propensities(2);
  const Context seen = context<TypeParam>();
  EXPECT_EQ(bandit.select_slate(seen, rng, {.arms = arms}).status, Errc::invalid_argument);
  EXPECT_EQ(bandit.select_slate(seen, rng, {}).status, Errc::invalid_argument);
  EXPECT_EQ(
      bandit.select_slate(seen, rng, {.arms = std::span(arms).first(3), .propensities = propensities}).status,
      Errc::invalid_argument);
  EXPECT_EQ(arms[0], kNoArm);
  const std::array<double, 3> longer{1.0, 2.0, 3.0};
  EXPECT_EQ(bandit.select_slate({.input = {.dense = longer}}, rng, {.arms = std::span(arms).first(2)}).status,
            Errc::dimension_mismatch);
  EXPECT_EQ(make_bandit<TypeParam>(0).select_slate(seen, rng, {.arms = std::span(arms).first(2)}).status,
            Errc::no_arm);
}

TYPED_TEST(SlateLaws, RefusedUpdatesChangeNothing) {
  TypeParam bandit = lived<TypeParam>(13);
  const TypeParam before = bandit;
  const SlateSignal signal = signals(bandit).front();
  const auto refuse = [&](Errc expected, const Observed& seen) {
    EXPECT_EQ(bandit.update(seen.feedback<TypeParam>()), expected);
    EXPECT_TRUE(same_state(bandit, before));
  };
  const Observed good{
      .shown = {to_arm(0), to_arm(1)}, .rewards = {1.0, 0.0}, .signal = signal, .click = 0, .reward = 1.0};
  Observed bad = good;
  bad.shown[1] = to_arm(bandit.arm_count());
  refuse(Errc::unknown_arm, bad);
  bad = good;
  bad.shown[1] = to_arm(0);
  refuse(Errc::invalid_argument, bad);
  bad = good;
  bad.shown.clear();
  refuse(Errc::invalid_argument, bad);
  for (const double weight : {-1.0, 2.0 * kMaxSlateWeight}) {
    bad = good;
    bad.weight = weight;
    refuse(Errc::invalid_argument, bad);
  }
  bad = good;
  bad.weight = kNan;
  refuse(Errc::non_finite, bad);
  for (const SlateSignal other : {SlateSignal::items, SlateSignal::first_click, SlateSignal::whole}) {
    bad = good;
    bad.signal = other;
    if (!bandit.takes(other)) {
      refuse(Errc::unsupported, bad);
    } else if (other == SlateSignal::items) {
      bad.rewards[1] = kNan;
      refuse(Errc::non_finite, bad);
      bad.rewards.push_back(0.0);
      refuse(Errc::dimension_mismatch, bad);
    } else if (other == SlateSignal::first_click) {
      bad.click = 2;
      refuse(Errc::invalid_argument, bad);
    } else {
      bad.reward = kNan;
      refuse(Errc::non_finite, bad);
    }
  }
  SlateFeedback wrong = good.feedback<TypeParam>();
  const std::array<double, 3> longer{1.0, 2.0, 3.0};
  wrong.input = {.dense = longer};
  if (SlateCase<TypeParam>::kFeatures > 0) {
    EXPECT_EQ(bandit.update(wrong), Errc::dimension_mismatch);
    EXPECT_TRUE(same_state(bandit, before));
  }
  EXPECT_EQ(bandit.update(good.feedback<TypeParam>()), Errc::ok);
  EXPECT_EQ(bandit.updates(), before.updates() + 1);
}

TYPED_TEST(SlateLaws, ArmsThatAreResetAreAsIfJustAdded) {
  EXPECT_EQ(make_bandit<TypeParam>(2).reset_arm(to_arm(2)), Errc::unknown_arm);
  EXPECT_EQ(make_bandit<TypeParam>(2).set_enabled(to_arm(2), false), Errc::unknown_arm);
  TypeParam bandit = make_bandit<TypeParam>(2);
  Rng world(14);
  for (std::size_t i = 0; i < 20; ++i) {
    const std::array<ArmIndex, 2> shown{to_arm(i % 2), to_arm(1 - i % 2)};
    for (const SlateSignal signal : signals(bandit)) {
      ASSERT_EQ(bandit.update(observe(shown, signal, world).feedback<TypeParam>()), Errc::ok);
    }
  }
  ASSERT_EQ(bandit.add_arm().value(), to_arm(2));
  ASSERT_EQ(bandit.reset_arm(to_arm(0)), Errc::ok);
  const Description text = bandit.describe();
  EXPECT_EQ(text.rows[0], text.rows[2]);
  EXPECT_NE(text.rows[1], text.rows[2]);
}

TYPED_TEST(SlateLaws, TheBestArmsCloseUpToTheTop) {
  // Arms pay 0.9, 0.7, 0.5, 0.3, 0.1: whatever the signal, the best two end up in nearly every list.
  for (const SlateSignal signal : signals(make_bandit<TypeParam>(1))) {
    TypeParam bandit = make_bandit<TypeParam>(5);
    Rng world(15);
    int good = 0;
    for (std::uint64_t step = 0; step < 4'000; ++step) {
      Rng rng(16, 0, step);
      std::array<ArmIndex, 2> arms{};
      ASSERT_EQ(bandit.select_slate(context<TypeParam>(), rng, {.arms = arms}).status, Errc::ok);
      ASSERT_EQ(bandit.update(observe(arms, signal, world).feedback<TypeParam>()), Errc::ok);
      const bool best = to_index(arms[0]) + to_index(arms[1]) == 1;
      good += step >= 3'000 && best ? 1 : 0;
    }
    EXPECT_GT(good, 500) << "signal " << static_cast<int>(signal);  // of 1,000; one pair in ten by chance
  }
}

TYPED_TEST(SlateLaws, TheHotPathDoesNotAllocate) {
  TypeParam bandit = make_bandit<TypeParam>(12);
  const SlateSignal signal = signals(bandit).front();
  std::array<ArmIndex, 3> arms{};
  std::array<double, 3> propensities{};
  Rng world(17);
  std::size_t allocations = 0;
  std::size_t answered = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    Rng rng(18, 0, i);
    const test::AllocationCount choosing;
    (void)bandit.select_slate(context<TypeParam>(), rng, {.arms = arms, .propensities = propensities});
    allocations += choosing.count();
    const Observed seen = observe(arms, signal, world);
    const SlateFeedback feedback = seen.feedback<TypeParam>();
    const test::AllocationCount learning;
    answered += bandit.update(feedback) == Errc::ok ? 1U : 0U;
    allocations += learning.count();
  }
  EXPECT_EQ(answered, 200U);
  EXPECT_EQ(allocations, 0U);
}

}  // namespace
}  // namespace attune::laws::slate_laws_test
