// SPDX-License-Identifier: Apache-2.0
// Laws of Bandit about its state: determinism, storing, damage, copies, threads.
#include <array>
#include <bit>
#include <cmath>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/laws/bandit_world.hpp"
#include "tests/laws/state_laws.hpp"

namespace attune::laws::bandit_state_laws_test {
namespace {

[[nodiscard]] bool same_bits(double left, double right) {
  return std::bit_cast<std::uint64_t>(left) == std::bit_cast<std::uint64_t>(right);
}

[[nodiscard]] bool same_choice(const Choice& left, const Choice& right) {
  return left.arm == right.arm && same_bits(left.propensity, right.propensity) &&
         same_bits(left.score, right.score) && left.greedy == right.greedy && left.status == right.status;
}

[[nodiscard]] testing::AssertionResult same_history(const std::vector<Choice>& left,
                                                    const std::vector<Choice>& right) {
  if (left.size() != right.size()) {
    return testing::AssertionFailure() << left.size() << " choices against " << right.size();
  }
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!same_choice(left[i], right[i])) {
      return testing::AssertionFailure()
             << "choice " << i << " differs: arm " << to_index(left[i].arm) << " score " << left[i].score
             << " against arm " << to_index(right[i].arm) << " score " << right[i].score;
    }
  }
  return testing::AssertionSuccess();
}

/// A state that load accepted must still be one that can be lived with.
template <Bandit B>
void expect_usable(const B& bandit) {
  B copy = bandit;
  ContextSource source(BanditCase<B>::shape(copy.arm_count()));
  Rng rng(17);
  for (int i = 0; i < 3; ++i) {
    const Choice choice = copy.select(source.draw(copy.arm_count(), rng), rng);
    if (choice.status == Errc::no_arm) {
      for (std::size_t arm = 0; arm < copy.arm_count(); ++arm) {
        ASSERT_FALSE(copy.enabled(to_arm(arm)));
      }
      return;
    }
    ASSERT_EQ(choice.status, Errc::ok);
    ASSERT_LT(to_index(choice.arm), copy.arm_count());
    ASSERT_TRUE(copy.enabled(choice.arm));
    ASSERT_FALSE(std::isnan(choice.score));
    const Errc verdict = copy.update(source.feedback(choice.arm, 0.5));
    ASSERT_TRUE(verdict == Errc::ok || verdict == Errc::non_finite) << to_string(verdict);
    if constexpr (CountsPending<B>) {
      const Errc pulled = copy.note_pull(choice.arm);
      ASSERT_TRUE(pulled == Errc::ok || pulled == Errc::full) << to_string(pulled);
    }
  }
  ASSERT_EQ(copy.describe().rows.size(), copy.arm_count());
}

template <class B>
class BanditStateLaws : public testing::Test {};
TYPED_TEST_SUITE(BanditStateLaws, AsTestTypes<BuiltinBandits>::type, TypeNames);

TYPED_TEST(BanditStateLaws, SameSeedGivesTheSameLife) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    Life<TypeParam> left(make_bandit<TypeParam>(4), seed);
    Life<TypeParam> right(make_bandit<TypeParam>(4), seed);
    left.run(400);
    right.run(400);
    ASSERT_TRUE(same_history(left.history, right.history));
    ASSERT_TRUE(same_state(left.bandit, right.bandit));
  }
}

TYPED_TEST(BanditStateLaws, AnotherSeedGivesAnotherLife) {
  // Or the law above would hold for bandits that ignore everything.
  Life<TypeParam> left(make_bandit<TypeParam>(4), 1);
  Life<TypeParam> right(make_bandit<TypeParam>(4), 2);
  left.run(100);
  right.run(100);
  EXPECT_FALSE(same_history(left.history, right.history));
  EXPECT_FALSE(left.bandit == right.bandit);
}

TYPED_TEST(BanditStateLaws, WhatIsSavedIsLoadedAndLivesOnTheSame) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    Life<TypeParam> original(make_bandit<TypeParam>(4), seed);
    for (int part = 0; part < 6; ++part) {
      expect_round_trip(original.bandit, make_bandit<TypeParam>(4));
      Life<TypeParam> restored = original;
      restored.bandit = make_bandit<TypeParam>(4);
      ASSERT_TRUE(load_state(restored.bandit, save_state(original.bandit)));
      original.run(40);
      restored.run(40);
      ASSERT_TRUE(same_history(original.history, restored.history));
      ASSERT_TRUE(same_state(original.bandit, restored.bandit));
    }
  }
}

TYPED_TEST(BanditStateLaws, EveryCutIsRefused) {
  expect_every_cut_is_refused(lived<TypeParam>(1, 2), lived<TypeParam>(2, 3));
}

TYPED_TEST(BanditStateLaws, FlippedBitsDoNoHarm) {
  expect_flipped_bits_do_no_harm(lived<TypeParam>(3, 2, 12), lived<TypeParam>(4, 3),
                                 [](const TypeParam& bandit) { expect_usable(bandit); });
}

TYPED_TEST(BanditStateLaws, TheFrameNoticesEveryFlippedBit) {
  expect_the_frame_notices_every_flipped_bit(lived<TypeParam>(3, 2, 12), lived<TypeParam>(4, 3));
}

TYPED_TEST(BanditStateLaws, ExtremeRewardsAndWeightsLeaveItSound) {
  const std::array<double, 9> rewards{0.0, 1.0, -1.0, 5e-324, 1e-300, 1e150, -1e150, 1.7e308, -1.7e308};
  const std::array<double, 6> weights{0.0, 5e-324, 1e-300, 1.0, 1e150, 1.7e308};
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    TypeParam bandit = lived<TypeParam>(seed);
    ContextSource source(BanditCase<TypeParam>::shape(bandit.arm_count()));
    Rng rng(18, seed);
    for (int i = 0; i < 60; ++i) {
      (void)source.draw(bandit.arm_count(), rng);
      const auto arm = to_arm(static_cast<std::size_t>(rng.below(bandit.arm_count())));
      Feedback feedback = source.feedback(arm, rewards.at(rng.below(rewards.size())));
      feedback.weight = weights.at(rng.below(weights.size()));
      const TypeParam before = bandit;
      if (bandit.update(feedback) != Errc::ok) {
        ASSERT_TRUE(same_state(bandit, before)) << feedback.reward << " of weight " << feedback.weight;
      }
      expect_usable(bandit);
      expect_round_trip(bandit, before);
      ASSERT_FALSE(this->HasFailure()) << "after " << feedback.reward << " of weight " << feedback.weight;
    }
  }
}

TYPED_TEST(BanditStateLaws, AStateOfAnotherAlgorithmIsRefused) {
  TypeParam bandit = lived<TypeParam>(5);
  const TypeParam before = bandit;
  Writer writer;
  bandit.save(writer);
  const Result<void> other = load_state(bandit, detail::seal_state("another", 1, writer.view()));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::corrupt_state);
  const Result<void> newer =
      load_state(bandit, detail::seal_state(TypeParam::kName, TypeParam::kStateVersion + 1, writer.view()));
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, Errc::unsupported_version);
  EXPECT_TRUE(same_state(bandit, before));
}

TYPED_TEST(BanditStateLaws, CopiesLiveApart) {
  const TypeParam original = lived<TypeParam>(6);
  const Bytes before = saved(original);
  Life<TypeParam> copy(original, 7);
  copy.run(50);
  EXPECT_EQ(saved(original), before);
  EXPECT_FALSE(copy.bandit == original);
  // The two copies of a left-right pair: the same operations on both keep them equal.
  TypeParam twin = original;
  EXPECT_TRUE(same_state(twin, original));
}

TYPED_TEST(BanditStateLaws, ManyThreadsSelectWhatOneSelects) {
  constexpr std::size_t kThreads = 8;
  constexpr std::size_t kChoices = 400;
  const TypeParam bandit = lived<TypeParam>(8, 6, 200);
  const auto choose = [&bandit](std::vector<Choice>& choices) {
    ContextSource source(BanditCase<TypeParam>::shape(bandit.arm_count()));
    for (std::size_t i = 0; i < kChoices; ++i) {
      Rng rng(9, 0, i);
      const Context context = source.draw(bandit.arm_count(), rng);
      choices.push_back(bandit.select(context, rng));
    }
  };
  std::vector<Choice> alone;
  choose(alone);
  std::array<std::vector<Choice>, kThreads> together;
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (std::vector<Choice>& choices : together) {
      threads.emplace_back([&choose, &choices] { choose(choices); });
    }
  }
  for (const std::vector<Choice>& choices : together) {
    ASSERT_TRUE(same_history(choices, alone));
  }
}

TYPED_TEST(BanditStateLaws, DescribesEachArm) {
  const TypeParam bandit = lived<TypeParam>(10);
  const Description description = bandit.describe();
  EXPECT_FALSE(description.summary.empty());
  ASSERT_EQ(description.rows.size(), bandit.arm_count());
  for (const std::vector<double>& row : description.rows) {
    EXPECT_EQ(row.size(), description.columns.size());
  }
}

}  // namespace
}  // namespace attune::laws::bandit_state_laws_test
