// SPDX-License-Identifier: Apache-2.0
// Each concept has an archetype that satisfies it and no more. What must not satisfy them is in
// tests/compile_fail/.
#include <attune/core/concepts.hpp>

#include <concepts>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/archetypes.hpp"

namespace attune::concepts_test {
namespace {

using test::AgentArchetype;
using test::BanditArchetype;
using test::ContinuousBanditArchetype;
using test::DetectorArchetype;
using test::DuelingBanditArchetype;
using test::LearnerArchetype;
using test::OptimizerArchetype;
using test::PersistentArchetype;
using test::SlateBanditArchetype;

static_assert(check_persistent<PersistentArchetype>());
static_assert(check_online_learner<LearnerArchetype>());
static_assert(check_bandit<BanditArchetype>());
static_assert(check_rl_agent<AgentArchetype>());
static_assert(check_optimizer<OptimizerArchetype>());
static_assert(check_drift_detector<DetectorArchetype>());
static_assert(check_slate_bandit<SlateBanditArchetype>());
static_assert(check_dueling_bandit<DuelingBanditArchetype>());
static_assert(check_continuous_bandit<ContinuousBanditArchetype>());

// No more than their own.
static_assert(!Configured<PersistentArchetype> && !OnlineLearner<PersistentArchetype>);
static_assert(!Bandit<LearnerArchetype> && !RLAgent<LearnerArchetype> && !Optimizer<LearnerArchetype>);
static_assert(!OnlineLearner<BanditArchetype> && !RLAgent<BanditArchetype> && !Optimizer<BanditArchetype>);
static_assert(!ExplicitBandit<BanditArchetype> && !CountsPending<BanditArchetype>);
static_assert(!OnlineLearner<AgentArchetype> && !Bandit<AgentArchetype> && !Optimizer<AgentArchetype>);
static_assert(!Configured<OptimizerArchetype> && !Bandit<OptimizerArchetype>);
static_assert(!OnlineLearner<DetectorArchetype> && !Bandit<DetectorArchetype> &&
              !Optimizer<DetectorArchetype>);
static_assert(!Bandit<SlateBanditArchetype> && !DuelingBandit<SlateBanditArchetype> &&
              !SlateBandit<DuelingBanditArchetype> && !SlateBandit<BanditArchetype> &&
              !DuelingBandit<BanditArchetype> && !ContinuousBandit<BanditArchetype>);
static_assert(!DriftDetector<PersistentArchetype> && !DriftDetector<OptimizerArchetype>);
static_assert(!std::default_initializable<BanditArchetype>);

/// A bandit that grows into the refined concepts one member at a time.
struct ExplicitArchetype : test::BanditPart<ExplicitArchetype> {
  using BanditPart::BanditPart;
  Errc probabilities(const Context& /*context*/, std::span<double> /*out*/) const noexcept {
    return Errc::ok;
  }
};
static_assert(ExplicitBandit<ExplicitArchetype> && !CountsPending<ExplicitArchetype>);

struct PendingArchetype : test::BanditPart<PendingArchetype> {
  using BanditPart::BanditPart;
  Errc note_pull(ArmIndex /*arm*/) noexcept { return Errc::ok; }
  Errc note_lost(ArmIndex /*arm*/) noexcept { return Errc::ok; }
};
static_assert(CountsPending<PendingArchetype> && !ExplicitBandit<PendingArchetype>);

/// Generic code as a user writes it: the calls a concept lists, and nothing else.
template <Bandit B>
std::uint64_t play(const typename B::Config& config) {
  B bandit = B::make(config, Shape{.arms = 1}).value();
  Rng rng(1);
  const Choice choice = bandit.select({}, rng);
  (void)bandit.update({.arm = choice.arm, .reward = 1.0});
  return bandit.updates();
}

template <DriftDetector D>
std::uint64_t watch(const typename D::Config& config) {
  D detector = D::make(config).value();
  (void)detector.update(1.0);
  detector.reset();
  return detector.count().drifts;
}

template <Persistent P>
bool survives_storage(const P& original, P target) {
  return load_state(target, save_state(original)).has_value() && target == original;
}

TEST(Concepts, GenericCodeRunsOnArchetypes) {
  EXPECT_EQ(play<BanditArchetype>({}), 1U);
  EXPECT_EQ(watch<DetectorArchetype>({}), 0U);
  EXPECT_TRUE(survives_storage(PersistentArchetype(3), PersistentArchetype(4)));
  EXPECT_TRUE(survives_storage(LearnerArchetype(3), LearnerArchetype(4)));
  EXPECT_TRUE(survives_storage(AgentArchetype(3), AgentArchetype(4)));
  EXPECT_TRUE(survives_storage(OptimizerArchetype(3), OptimizerArchetype(4)));
  EXPECT_TRUE(survives_storage(DetectorArchetype(3), DetectorArchetype(4)));
}

TEST(Concepts, ChecksAreUsableAsConstants) {
  constexpr bool kIsBandit = check_bandit<BanditArchetype>();
  EXPECT_TRUE(kIsBandit);
}

}  // namespace
}  // namespace attune::concepts_test
