// SPDX-License-Identifier: Apache-2.0
// Laws of Bandit about choosing and learning: arms, refused arguments, probabilities, ties, sizes,
// allocation.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/laws/bandit_world.hpp"
#include "tests/laws/state_laws.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::laws::bandit_laws_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class B>
class BanditLaws : public testing::Test {
 protected:
  static ContextSource source(const B& bandit) {
    return ContextSource(BanditCase<B>::shape(bandit.arm_count()));
  }
};
TYPED_TEST_SUITE(BanditLaws, AsTestTypes<BuiltinBandits>::type, TypeNames);

TYPED_TEST(BanditLaws, WithoutArmsThereIsNoArm) {
  TypeParam bandit = make_bandit<TypeParam>(0);
  ContextSource source = this->source(bandit);
  Rng rng(1);
  EXPECT_EQ(bandit.arm_count(), 0U);
  const Choice choice = bandit.select(source.draw(0, rng), rng);
  EXPECT_EQ(choice.status, Errc::no_arm);
  EXPECT_EQ(choice.arm, kNoArm);
  EXPECT_EQ(bandit.update(source.feedback(to_arm(0), 0.5)), Errc::unknown_arm);
  expect_round_trip(bandit, make_bandit<TypeParam>(2));
  ASSERT_EQ(bandit.add_arm().value(), to_arm(0));
  EXPECT_EQ(bandit.select(source.draw(1, rng), rng).arm, to_arm(0));
}

TYPED_TEST(BanditLaws, ASingleArmIsAlwaysChosen) {
  TypeParam bandit = make_bandit<TypeParam>(1);
  ContextSource source = this->source(bandit);
  Rng rng(1);
  for (int i = 0; i < 50; ++i) {
    const Choice choice = bandit.select(source.draw(1, rng), rng);
    ASSERT_EQ(choice.status, Errc::ok);
    ASSERT_EQ(choice.arm, to_arm(0));
    ASSERT_TRUE(choice.propensity == 1.0 || std::isnan(choice.propensity)) << choice.propensity;
    ASSERT_EQ(bandit.update(source.feedback(choice.arm, rng.uniform())), Errc::ok);
  }
}

TYPED_TEST(BanditLaws, VeryManyArmsWork) {
  constexpr std::size_t kArms = many_arms<TypeParam>();
  TypeParam bandit = make_bandit<TypeParam>(kArms);
  ContextSource source = this->source(bandit);
  Rng rng(1);
  Context context = source.draw(kArms, rng);
  std::array<ArmIndex, 20> chosen{};
  for (ArmIndex& arm : chosen) {
    const Choice choice = bandit.select(context, rng);
    ASSERT_EQ(choice.status, Errc::ok);
    ASSERT_LT(to_index(choice.arm), kArms);
    ASSERT_EQ(bandit.update(source.feedback(choice.arm, 0.1)), Errc::ok);
    arm = choice.arm;
  }
  std::ranges::sort(chosen);
  EXPECT_GT(to_index(chosen.back()) - to_index(chosen.front()), kArms / 10)
      << "choices are not spread over the arms";
  ASSERT_EQ(bandit.add_arm().value(), to_arm(kArms));
  context = source.draw(kArms + 1, rng);
  const std::array<ArmIndex, 1> last{to_arm(kArms)};
  context.offered = last;
  EXPECT_EQ(bandit.select(context, rng).arm, to_arm(kArms));
  TypeParam restored = make_bandit<TypeParam>(1);
  ASSERT_TRUE(load_state(restored, save_state(bandit)));
  EXPECT_TRUE(restored == bandit);
}

TYPED_TEST(BanditLaws, OnlyOfferedAndEnabledArmsAreChosen) {
  Life<TypeParam> life(make_bandit<TypeParam>(6), 3);
  Rng rng(4);
  for (int round = 0; round < 300; ++round) {
    life.run(1);
    ContextSource source = this->source(life.bandit);
    Context context = source.draw(life.bandit.arm_count(), rng);
    std::vector<ArmIndex> offered;
    for (std::uint64_t i = rng.below(5) + 1; i > 0; --i) {
      // One past the end too, and what can be no arm at all: both are passed over.
      offered.push_back(to_arm(static_cast<std::size_t>(rng.below(life.bandit.arm_count() + 1))));
    }
    offered.push_back(kNoArm);
    context.offered = offered;
    const Choice choice = life.bandit.select(context, rng);
    const bool possible =
        std::ranges::any_of(offered, [&](ArmIndex arm) { return life.bandit.enabled(arm); });
    if (!possible) {
      ASSERT_EQ(choice.status, Errc::no_arm);
      ASSERT_EQ(choice.arm, kNoArm);
      continue;
    }
    ASSERT_EQ(choice.status, Errc::ok);
    ASSERT_TRUE(life.bandit.enabled(choice.arm));
    ASSERT_NE(std::ranges::find(offered, choice.arm), offered.end());
  }
}

TYPED_TEST(BanditLaws, DisabledArmsAreNotChosenAndStillLearn) {
  TypeParam bandit = make_bandit<TypeParam>(3);
  ContextSource source = this->source(bandit);
  Rng rng(5);
  ASSERT_EQ(bandit.set_enabled(to_arm(1), false), Errc::ok);
  EXPECT_FALSE(bandit.enabled(to_arm(1)));
  for (int i = 0; i < 60; ++i) {
    const Choice choice = bandit.select(source.draw(3, rng), rng);
    ASSERT_NE(choice.arm, to_arm(1));
    ASSERT_EQ(bandit.update(source.feedback(choice.arm, 0.3)), Errc::ok);
  }
  const TypeParam before = bandit;
  ASSERT_EQ(bandit.update(source.feedback(to_arm(1), 0.9)), Errc::ok);
  EXPECT_FALSE(bandit == before);
  EXPECT_EQ(bandit.updates(), before.updates() + 1);
  for (const std::size_t arm : {0, 2}) {
    ASSERT_EQ(bandit.set_enabled(to_arm(arm), false), Errc::ok);
  }
  EXPECT_EQ(bandit.select(source.draw(3, rng), rng).status, Errc::no_arm);
  ASSERT_EQ(bandit.set_enabled(to_arm(1), true), Errc::ok);
  EXPECT_EQ(bandit.select(source.draw(3, rng), rng).arm, to_arm(1));
  EXPECT_EQ(bandit.set_enabled(to_arm(3), true), Errc::unknown_arm);
  EXPECT_FALSE(bandit.enabled(to_arm(3)));
  EXPECT_FALSE(bandit.enabled(kNoArm));
}

TYPED_TEST(BanditLaws, AResetArmIsAsIfJustAdded) {
  TypeParam bandit = lived<TypeParam>(11, 4, 200);
  ASSERT_EQ(bandit.set_enabled(to_arm(1), true), Errc::ok);
  ASSERT_EQ(bandit.reset_arm(to_arm(1)), Errc::ok);
  const std::size_t added = to_index(bandit.add_arm().value());
  const Description description = bandit.describe();
  EXPECT_EQ(description.rows.at(1), description.rows.at(added));
  EXPECT_EQ(bandit.reset_arm(to_arm(bandit.arm_count())), Errc::unknown_arm);
}

TYPED_TEST(BanditLaws, RefusedFeedbackChangesNothing) {
  TypeParam bandit = lived<TypeParam>(12);
  const TypeParam before = bandit;
  ContextSource source = this->source(bandit);
  Rng rng(6);
  (void)source.draw(bandit.arm_count(), rng);
  const Feedback good = source.feedback(to_arm(0), 0.5);
  const auto refuse = [&](Errc expected, Feedback feedback) {
    EXPECT_EQ(bandit.update(feedback), expected);
    feedback.announced = true;
    EXPECT_EQ(bandit.update(feedback), expected);
    EXPECT_TRUE(same_state(bandit, before));
  };
  for (const double number : {kNan, kInfinity, -kInfinity}) {
    Feedback bad = good;
    bad.reward = number;
    refuse(Errc::non_finite, bad);
    bad = good;
    bad.weight = number;
    refuse(Errc::non_finite, bad);
  }
  Feedback bad = good;
  bad.weight = -1.0;
  refuse(Errc::invalid_argument, bad);
  bad = good;
  bad.arm = to_arm(bandit.arm_count());
  refuse(Errc::unknown_arm, bad);
  bad.arm = kNoArm;
  refuse(Errc::unknown_arm, bad);

  const Shape shape = BanditCase<TypeParam>::shape(0);
  std::vector<double> numbers(shape.features + 1, 0.5);
  if (shape.features > 0) {
    bad = good;
    bad.input.dense = numbers;
    refuse(Errc::dimension_mismatch, bad);
    bad.input.dense = {};
    refuse(Errc::dimension_mismatch, bad);
    numbers.pop_back();
    numbers.back() = kNan;
    bad.input.dense = numbers;
    refuse(Errc::non_finite, bad);
  }
  if (shape.action_features > 0) {
    std::vector<double> action(shape.action_features + 1, 0.5);
    bad = good;
    bad.action = action;
    refuse(Errc::dimension_mismatch, bad);
    action.pop_back();
    action.back() = kInfinity;
    bad.action = action;
    refuse(Errc::non_finite, bad);
  }
}

TYPED_TEST(BanditLaws, ABadContextIsRefused) {
  const TypeParam bandit = lived<TypeParam>(13);
  ContextSource source = this->source(bandit);
  Rng rng(7);
  const Context good = source.draw(bandit.arm_count(), rng);
  std::vector<double> out(bandit.arm_count());
  const auto refuse = [&](Errc expected, const Context& context) {
    const Choice choice = bandit.select(context, rng);
    EXPECT_EQ(choice.status, expected);
    EXPECT_EQ(choice.arm, kNoArm);
    if constexpr (ExplicitBandit<TypeParam>) {
      EXPECT_EQ(bandit.probabilities(context, out), expected);
    }
  };
  const Shape shape = BanditCase<TypeParam>::shape(0);
  std::vector<double> numbers(shape.features + 1, 0.5);
  Context bad = good;
  bad.input.dense = numbers;
  refuse(Errc::dimension_mismatch, bad);
  const std::array<std::uint32_t, 1> index{0};
  const std::array<double, 1> value{1.0};
  bad = good;
  bad.input.sparse = {.index = index, .value = value};
  refuse(Errc::dimension_mismatch, bad);
  if (shape.features > 0) {
    bad = good;
    bad.input.dense = {};
    refuse(Errc::dimension_mismatch, bad);
    for (const double number : {kNan, kInfinity, -kInfinity}) {
      numbers.assign(shape.features, 0.5);
      numbers.back() = number;
      bad.input.dense = numbers;
      refuse(Errc::non_finite, bad);
    }
  }
  if (shape.action_features > 0) {
    bad = good;
    bad.actions.rows = bad.actions.rows.first(bad.actions.rows.size() - 1);
    refuse(Errc::dimension_mismatch, bad);
    bad = good;
    bad.actions.dimension += 1;
    refuse(Errc::dimension_mismatch, bad);
    std::vector<double> rows(good.actions.rows.begin(), good.actions.rows.end());
    std::ranges::fill(rows, kNan);
    bad = good;
    bad.actions.rows = rows;
    refuse(Errc::non_finite, bad);
  }
}

TYPED_TEST(BanditLaws, AWarmStartIsCheckedAndHelps) {
  TypeParam bandit = make_bandit<TypeParam>(3);
  const TypeParam before = bandit;
  EXPECT_EQ(bandit.warm_start(to_arm(3), {.mean = 0.5, .weight = 1.0}).error().code, Errc::unknown_arm);
  EXPECT_EQ(bandit.warm_start(to_arm(0), {.mean = kNan, .weight = 1.0}).error().code, Errc::non_finite);
  EXPECT_EQ(bandit.warm_start(to_arm(0), {.mean = 0.5, .weight = kInfinity}).error().code, Errc::non_finite);
  EXPECT_EQ(bandit.warm_start(to_arm(0), {.mean = 0.5, .weight = -1.0}).error().code, Errc::invalid_argument);
  EXPECT_TRUE(same_state(bandit, before));
  ASSERT_TRUE(bandit.warm_start(to_arm(0), {.mean = 0.5, .weight = 0.0}));
  EXPECT_TRUE(same_state(bandit, before));
  for (const std::size_t arm : {0, 1, 2}) {
    ASSERT_TRUE(bandit.warm_start(to_arm(arm), {.mean = arm == 1 ? 0.9 : 0.1, .weight = 1'000.0}));
  }
  EXPECT_EQ(bandit.updates(), 0U);
  ContextSource source = this->source(bandit);
  int helped = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    Rng rng(8, 0, i);
    helped += bandit.select(source.flat(3), rng).arm == to_arm(1) ? 1 : 0;
  }
  // Epsilon-greedy explores with probability 0.1, two times in three elsewhere; others do not at such
  // weights.
  EXPECT_GT(helped, 70);
}

TYPED_TEST(BanditLaws, TheHotPathDoesNotAllocate) {
  TypeParam bandit = make_bandit<TypeParam>(16);
  ContextSource source = this->source(bandit);
  std::vector<double> probabilities(16);
  std::size_t allocations = 0;
  std::size_t answered = 0;
  for (std::uint64_t i = 0; i < 300; ++i) {
    Rng rng(20, 0, i);
    const Context context = source.draw(16, rng);
    const test::AllocationCount count;
    const Choice choice = bandit.select(context, rng);
    if constexpr (CountsPending<TypeParam>) {
      (void)bandit.note_pull(choice.arm);
      (void)bandit.note_pull(choice.arm);
      (void)bandit.note_lost(choice.arm);
    }
    if constexpr (ExplicitBandit<TypeParam>) {
      (void)bandit.probabilities(context, probabilities);
    }
    answered += bandit.update(source.feedback(choice.arm, 0.5)) == Errc::ok ? 1U : 0U;
    (void)bandit.set_enabled(to_arm(i % 16), i % 3 != 0);
    if (i % 50 == 0) {
      (void)bandit.reset_arm(to_arm(i % 16));
    }
    allocations += count.count();
  }
  EXPECT_EQ(answered, 300U);
  EXPECT_EQ(allocations, 0U);
}

TEST(AllocationCount, NoticesAnAllocation) {
  const test::AllocationCount count;
  const std::vector<int> numbers(100);
  const std::size_t seen = count.count();
  EXPECT_EQ(numbers.size(), 100U);
  EXPECT_EQ(seen, 1U);  // or the law above proves nothing
}

}  // namespace
}  // namespace attune::laws::bandit_laws_test
