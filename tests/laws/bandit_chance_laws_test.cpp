// SPDX-License-Identifier: Apache-2.0
// Laws of Bandit about chance: ties, propensities, probabilities, pending pulls, learning.
#include <array>
#include <cmath>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/laws/bandit_world.hpp"
#include "tests/laws/state_laws.hpp"
#include "tests/support/statistics.hpp"

namespace attune::laws::bandit_chance_laws_test {
namespace {

template <class B>
class BanditChanceLaws : public testing::Test {
 protected:
  static ContextSource source(const B& bandit) {
    return ContextSource(BanditCase<B>::shape(bandit.arm_count()));
  }
};
TYPED_TEST_SUITE(BanditChanceLaws, AsTestTypes<BuiltinBandits>::type, TypeNames);

template <class B>
struct IsExplicit : std::bool_constant<ExplicitBandit<B>> {};
template <class B>
class ExplicitBanditLaws : public BanditChanceLaws<B> {};
using ExplicitBandits = Filtered<BuiltinBandits, IsExplicit>::type;
TYPED_TEST_SUITE(ExplicitBanditLaws, ExplicitBandits, TypeNames);

template <class B>
struct HasPending : std::bool_constant<CountsPending<B>> {};
template <class B>
class PendingLaws : public BanditChanceLaws<B> {};
using PendingBandits = Filtered<BuiltinBandits, HasPending>::type;
TYPED_TEST_SUITE(PendingLaws, PendingBandits, TypeNames);

TYPED_TEST(BanditChanceLaws, TiesAreBrokenUniformly) {
  const TypeParam bandit = make_bandit<TypeParam>(5);
  ContextSource source = this->source(bandit);
  const Context context = source.flat(5);
  std::array<double, 5> counts{};
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    Rng rng(9, 0, i);
    const Choice choice = bandit.select(context, rng);
    ASSERT_TRUE(std::abs(choice.propensity - 0.2) < 1e-15 || std::isnan(choice.propensity))
        << choice.propensity;
    counts.at(to_index(choice.arm)) += 1.0;
  }
  EXPECT_TRUE(test::is_uniform(counts));
}

TYPED_TEST(BanditChanceLaws, PropensitiesAreProbabilitiesOrDeferred) {
  Life<TypeParam> life(make_bandit<TypeParam>(4), 14);
  life.run(500);
  for (const Choice& choice : life.history) {
    if (choice.status == Errc::ok) {
      ASSERT_TRUE(std::isnan(choice.propensity) || (choice.propensity > 0.0 && choice.propensity <= 1.0))
          << choice.propensity;
    }
  }
}

TYPED_TEST(ExplicitBanditLaws, ProbabilitiesSumToOneAndMatchTheChoices) {
  constexpr std::uint64_t kDraws = 4'000;
  Life<TypeParam> life(make_bandit<TypeParam>(5), 15);
  Rng rng(16);
  for (int state = 0; state < 12; ++state) {
    const TypeParam& bandit = life.bandit;
    ContextSource source = this->source(bandit);
    Context context = state % 2 == 0 ? source.draw(bandit.arm_count(), rng) : source.flat(bandit.arm_count());
    const std::array<ArmIndex, 5> offered{to_arm(0), to_arm(3), to_arm(0), to_arm(1), kNoArm};
    if (state % 3 == 2) {
      context.offered = offered;
    }
    std::vector<double> probabilities(bandit.arm_count());
    const Errc verdict = bandit.probabilities(context, probabilities);
    if (verdict == Errc::no_arm) {
      ASSERT_EQ(bandit.select(context, rng).status, Errc::no_arm);
      life.run(15);
      continue;
    }
    ASSERT_EQ(verdict, Errc::ok);
    double sum = 0.0;
    for (const double probability : probabilities) {
      ASSERT_GE(probability, 0.0);
      sum += probability;
    }
    ASSERT_NEAR(sum, 1.0, 1e-12);
    std::vector<double> counts(bandit.arm_count());
    for (std::uint64_t i = 0; i < kDraws; ++i) {
      Rng decision(17, static_cast<std::uint64_t>(state), i);
      const Choice choice = bandit.select(context, decision);
      ASSERT_EQ(choice.propensity, probabilities.at(to_index(choice.arm)));
      counts.at(to_index(choice.arm)) += 1.0;
    }
    ASSERT_TRUE(test::matches_probabilities(counts, probabilities)) << "state " << state;
    life.run(15);
  }
  std::vector<double> wrong(life.bandit.arm_count() + 1);
  ContextSource source = this->source(life.bandit);
  EXPECT_EQ(life.bandit.probabilities(source.flat(life.bandit.arm_count()), wrong), Errc::dimension_mismatch);
}

TYPED_TEST(PendingLaws, PendingPullsAreCheckedAndTakenBack) {
  TypeParam bandit = lived<TypeParam>(18);
  const std::size_t added = to_index(bandit.add_arm().value());
  const TypeParam before = bandit;
  EXPECT_EQ(bandit.note_pull(to_arm(added + 1)), Errc::unknown_arm);
  EXPECT_EQ(bandit.note_pull(kNoArm), Errc::unknown_arm);
  EXPECT_EQ(bandit.note_lost(to_arm(added + 1)), Errc::unknown_arm);
  EXPECT_EQ(bandit.note_lost(to_arm(added)), Errc::invalid_argument);
  EXPECT_TRUE(same_state(bandit, before));
  ASSERT_EQ(bandit.note_pull(to_arm(added)), Errc::ok);
  EXPECT_FALSE(bandit == before);
  ASSERT_EQ(bandit.note_lost(to_arm(added)), Errc::ok);
  EXPECT_TRUE(same_state(bandit, before));
}

TYPED_TEST(BanditChanceLaws, TheBetterArmIsFoundAndTheOtherIsStillTried) {
  TypeParam bandit = make_bandit<TypeParam>(2);
  ContextSource source = this->source(bandit);
  constexpr std::uint64_t kSteps = 3'000;
  int better = 0;
  int worse_tries = 0;
  for (std::uint64_t i = 0; i < kSteps; ++i) {
    Rng rng(19, 0, i);
    const Choice choice = bandit.select(source.flat(2), rng);
    const double p = choice.arm == to_arm(1) ? 0.7 : 0.3;
    ASSERT_EQ(bandit.update(source.feedback(choice.arm, rng.uniform() < p ? 1.0 : 0.0)), Errc::ok);
    better += i >= kSteps / 2 && choice.arm == to_arm(1) ? 1 : 0;
    worse_tries += choice.arm == to_arm(0) ? 1 : 0;
  }
  EXPECT_EQ(bandit.updates(), kSteps);
  EXPECT_GT(better, static_cast<int>(kSteps * 4 / 10)) << "of the second half";
  EXPECT_GT(worse_tries, 0);
}

}  // namespace
}  // namespace attune::laws::bandit_chance_laws_test
