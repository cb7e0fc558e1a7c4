// SPDX-License-Identifier: Apache-2.0
// Windows, silence, lateness, idempotency and bounds, by examples worked by hand.
#include <attune/rewards/collector.hpp>

#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rewards/reward_fixture.hpp"

namespace attune::collector_joining_test {
namespace {

using test::Bench;
using test::Calls;
using test::learnt;
using test::lost;

RewardSpec window_of(double seconds) {
  RewardSpec spec;
  spec.join_window_s = seconds;
  return spec;
}

/// Quality counts for one, every cent of cost takes 0.2 away.
RewardSpec quality_and_cost() {
  RewardSpec spec = window_of(10);
  spec.components = {{.name = "quality"}, {.name = "cost", .weight = -0.2}};
  return spec;
}

// ------------------------------------------------------------------------------------------ windows, silence

TEST(CollectorJoining, ClosesAWindowBeforeItLooksAtTheRecordOfThatTime) {
  Bench bench(window_of(10));
  bench.decide(1, 0);
  bench.decide(2, 1);
  EXPECT_EQ(bench.reward(2, 10.999, 1.0), Fate::learned);
  EXPECT_EQ(bench.reward(1, 10.999, 1.0), Fate::late);
  EXPECT_EQ(bench.calls(), (Calls{lost(1, LossReason::silent), learnt(2, 1.0)}));
  bench.decide(3, 20);
  EXPECT_EQ(bench.reward(3, 30, 1.0), Fate::late) << "the window ends at 30, which is not before 30";
}

TEST(CollectorJoining, TimeNeverGoesBack) {
  Bench bench(window_of(10));
  bench.decide(1, 100);
  bench.decide(2, 50);  // counts as made at 100
  EXPECT_EQ(bench.reward(2, 105, 1.0), Fate::learned);
  Nanos due = 0;
  ASSERT_TRUE(bench.collector.next_deadline(due));
  EXPECT_EQ(due, Bench::at(110));
  bench.wait_until(109.999);
  bench.wait_until(20);
  EXPECT_EQ(bench.collector.pending(), 1U);
  bench.wait_until(110);
  EXPECT_EQ(bench.collector.pending(), 0U);
  EXPECT_FALSE(bench.collector.next_deadline(due));
}

TEST(CollectorJoining, TheEndOfTimeIsNoTrap) {
  Bench bench(window_of(1e9));
  DecisionRecord record;
  record.header.id = test::id_of(1);
  record.header.time = std::numeric_limits<Nanos>::max() - 5;
  bench.collector.on_decision(record, bench.sink);
  Nanos due = 0;
  ASSERT_TRUE(bench.collector.next_deadline(due));
  EXPECT_EQ(due, std::numeric_limits<Nanos>::max());
  bench.collector.on_time(due - 1, bench.sink);
  EXPECT_TRUE(bench.calls().empty());
  bench.collector.on_time(due, bench.sink);
  EXPECT_EQ(bench.calls(), Calls{lost(1, LossReason::silent)});
}

TEST(CollectorJoining, FormsTheRewardAtTheEndOfTheWindowWhenToldTo) {
  RewardSpec spec = window_of(10);
  spec.closing = Closing::window;
  Bench bench(spec);
  bench.decide(1, 0);
  EXPECT_EQ(bench.reward(1, 1, 1.0), Fate::waiting);
  bench.wait_until(9);
  EXPECT_TRUE(bench.calls().empty());
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), Calls{learnt(1, 1.0)});
}

TEST(CollectorJoining, SilenceIsDiscardedOrCensored) {
  for (const Silence rule : {Silence::discard, Silence::censor}) {
    RewardSpec spec = quality_and_cost();
    spec.silence = rule;
    Bench bench(spec);
    bench.decide(1, 0);
    bench.decide(2, 0);
    bench.say(2, 1, {{"quality", 1.0}});  // half of it is silence, too
    bench.wait_until(10);
    const LossReason reason = rule == Silence::censor ? LossReason::censored : LossReason::silent;
    EXPECT_EQ(bench.calls(), (Calls{lost(1, reason), lost(2, reason)}));
    EXPECT_EQ(bench.counters().silent, rule == Silence::discard ? 2U : 0U);
    EXPECT_EQ(bench.counters().censored, rule == Silence::censor ? 2U : 0U);
  }
}

TEST(CollectorJoining, SilenceTakesDefaults) {
  RewardSpec spec = quality_and_cost();
  spec.silence = Silence::default_value;
  spec.default_reward = -3.0;
  spec.components[1].has_default = true;
  spec.components[1].default_value = 5.0;
  Bench bench(spec);
  bench.decide(1, 0);
  bench.decide(2, 0);
  bench.decide(3, 0);
  bench.say(2, 1, {{"quality", 1.0}});
  bench.say(3, 1, {{"cost", 1.0}});  // quality is missing and has no default
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(),
            (Calls{learnt(1, -3.0, RewardOrigin::default_value), learnt(2, 0.0, RewardOrigin::partial),
                   learnt(3, -3.0, RewardOrigin::default_value)}));
  EXPECT_EQ(bench.counters().learned_default, 2U);
  EXPECT_EQ(bench.counters().learned_partial, 1U);
}

TEST(CollectorJoining, SilenceIsFilledWithTheComponentsDefaults) {
  RewardSpec spec = quality_and_cost();
  spec.silence = Silence::default_value;
  spec.components[0].has_default = true;
  spec.components[0].default_value = 0.5;
  spec.components[1].has_default = true;
  spec.components[1].default_value = 1.0;
  Bench bench(spec);
  bench.decide(1, 0);
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), Calls{learnt(1, 0.5 + -0.2, RewardOrigin::default_value)});
}

TEST(CollectorJoining, DefaultsDoNotEnterTheRunningMoments) {
  RewardSpec spec = window_of(10);
  spec.silence = Silence::default_value;
  spec.components.front() = {.normalise = Normalisation::running, .has_default = true, .default_value = 50.0};
  Bench bench(spec);
  for (std::uint64_t n = 0; n < 3; ++n) {
    bench.decide(n, 0);
  }
  bench.reward(0, 1, 1.0);
  bench.reward(1, 1, 3.0);
  bench.wait_until(10);  // (50 - 2) / 1.41 is clipped to 4
  bench.decide(4, 20);
  bench.reward(4, 20, 2.0);  // the mean is still 2
  EXPECT_EQ(bench.calls(), (Calls{learnt(0, 0.0), learnt(1, 0.0), learnt(2, 4.0, RewardOrigin::default_value),
                                  learnt(4, 0.0)}));
}

// -------------------------------------------------------------------------------------------------- lateness

TEST(CollectorJoining, LearnsALateRewardOnceWhenToldTo) {
  RewardSpec spec = quality_and_cost();
  spec.silence = Silence::censor;
  spec.late = Lateness::learn;
  Bench bench(spec);
  bench.decide(1, 0, 0, {7.0});
  bench.say(1, 1, {{"cost", 5.0}});
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), Calls{lost(1, LossReason::censored)});
  EXPECT_EQ(bench.say(1, 60, {{"cost", 5.0}}), Fate::duplicate) << "it still knows what came in time";
  EXPECT_EQ(bench.say(1, 60, {}), Fate::waiting);
  EXPECT_EQ(bench.say(1, 61, {{"quality", 2.0}}), Fate::learned_late);
  EXPECT_EQ(bench.calls(), Calls{learnt(1, 1.0, RewardOrigin::late)});
  EXPECT_EQ(bench.say(1, 62, {{"quality", 2.0}}), Fate::duplicate);
  EXPECT_EQ(bench.say(1, 62, {{"quality", 2.0}}, {.key = 4}), Fate::late);
  EXPECT_EQ(bench.counters().learned_late, 1U);
  EXPECT_EQ(bench.counters().learned, 0U);
  EXPECT_EQ(bench.counters().reward_sum, 1.0);
}

TEST(CollectorJoining, WhatWasLearnedIsNotLearnedAgainLate) {
  RewardSpec spec = window_of(10);
  spec.late = Lateness::learn;
  Bench bench(spec);
  bench.decide(1, 0);
  bench.reward(1, 1, 1.0);
  EXPECT_EQ(bench.reward(1, 60, 2.0, {.key = 8}), Fate::late);
  EXPECT_EQ(bench.counters().late, 1U);
  EXPECT_EQ(bench.counters().learned_late, 0U);
}

TEST(CollectorJoining, ForgetsClosedDecisionsBeyondItsBound) {
  RewardSpec spec = window_of(10);
  spec.max_closed = 2;
  Bench bench(spec);
  for (std::uint64_t n = 1; n <= 3; ++n) {
    bench.decide(n, 0);
    bench.reward(n, 0, 1.0);
  }
  EXPECT_EQ(bench.reward(1, 1, 1.0), Fate::unknown_decision);
  EXPECT_EQ(bench.reward(2, 1, 1.0), Fate::duplicate);
  EXPECT_EQ(bench.reward(3, 1, 2.0), Fate::conflict);
  EXPECT_EQ(bench.decide(2, 1), Errc::duplicate);
  EXPECT_EQ(bench.decide(1, 1), Errc::ok) << "it cannot know";
  EXPECT_EQ(bench.counters().unknown_decision, 1U);
  EXPECT_EQ(bench.counters().duplicate_decisions, 1U);
}

// ------------------------------------------------------------------------------------------------
// idempotency

TEST(CollectorJoining, WithoutAKeyEachComponentIsOneSignal) {
  RewardSpec spec = quality_and_cost();
  spec.closing = Closing::window;
  spec.components[0].aggregate = Aggregation::sum;
  Bench bench(spec);
  bench.decide(1, 0);
  EXPECT_EQ(bench.say(1, 1, {{"quality", 1.0}}), Fate::waiting);
  EXPECT_EQ(bench.say(1, 2, {{"quality", 1.0}}), Fate::duplicate);
  EXPECT_EQ(bench.say(1, 3, {{"quality", 1.5}}), Fate::conflict);
  EXPECT_EQ(bench.say(1, 4, {{"cost", 9.0}, {"quality", 1.5}}), Fate::conflict) << "and cost is not taken";
  EXPECT_EQ(bench.say(1, 5, {{"quality", 1.0}, {"cost", 2.0}}), Fate::waiting) << "the new part counts, once";
  EXPECT_EQ(bench.say(1, 6, {{"cost", 2.0}, {"quality", 1.0}}), Fate::duplicate);
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), Calls{learnt(1, 1.0 + -0.2 * 2.0)});
  EXPECT_EQ(bench.counters().duplicate, 2U);
  EXPECT_EQ(bench.counters().conflict, 2U);
  EXPECT_EQ(bench.counters().outcomes, 6U);
}

TEST(CollectorJoining, AKeyMakesTheOutcomeOneSignal) {
  RewardSpec spec = quality_and_cost();
  spec.closing = Closing::window;
  spec.components[0].aggregate = Aggregation::sum;
  Bench bench(spec);
  bench.decide(1, 0);
  EXPECT_EQ(bench.say(1, 1, {{"quality", 1.0}, {"cost", 1.0}}, {.key = 7}), Fate::waiting);
  EXPECT_EQ(bench.say(1, 1, {{"cost", 1.0}, {"quality", 1.0}}, {.key = 7}), Fate::duplicate)
      << "order is no matter";
  EXPECT_EQ(bench.say(1, 1, {{"quality", 1.0}}, {.key = 7}), Fate::conflict);
  EXPECT_EQ(bench.say(1, 1, {{"cost", 1.0}, {"quality", 1.1}}, {.key = 7}), Fate::conflict);
  EXPECT_EQ(bench.say(1, 1, {{"quality", 1.0}}, {.key = 8}), Fate::waiting);
  EXPECT_EQ(bench.say(1, 1, {{"quality", 1.0}}), Fate::waiting) << "no key is not any key";
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), Calls{learnt(1, 3.0 + -0.2)});
}

TEST(CollectorJoining, ZeroHasOneSign) {
  Bench bench(window_of(10));
  bench.decide(1, 0);
  bench.reward(1, 1, 0.0);
  EXPECT_EQ(bench.reward(1, 2, -0.0), Fate::duplicate);
}

TEST(CollectorJoining, AComponentNamedTwiceMustAgreeWithItself) {
  Bench bench(window_of(10));
  bench.decide(1, 0);
  EXPECT_EQ(bench.say(1, 1, {{"reward", 1.0}, {"reward", 2.0}}), Fate::conflict);
  EXPECT_EQ(bench.say(1, 1, {{"reward", 1.0}, {"reward", 1.0}}), Fate::learned);
  EXPECT_EQ(bench.calls(), Calls{learnt(1, 1.0)});
}

TEST(CollectorJoining, RefusesSignalsBeyondItsBound) {
  RewardSpec spec = window_of(10);
  spec.components.front().aggregate = Aggregation::sum;
  spec.closing = Closing::window;
  spec.max_signals = 3;
  Bench bench(spec);
  bench.decide(1, 0);
  for (std::uint64_t key = 1; key <= 5; ++key) {
    EXPECT_EQ(bench.reward(1, 1, 1.0, {.key = key}), key <= 3 ? Fate::waiting : Fate::too_many);
  }
  EXPECT_EQ(bench.reward(1, 1, 1.0, {.key = 2}), Fate::duplicate);
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), Calls{learnt(1, 3.0)});
  EXPECT_EQ(bench.counters().too_many, 2U);
}

TEST(CollectorJoining, UnknownAndRepeatedDecisionsChangeNothing) {
  Bench bench(window_of(10));
  bench.decide(1, 0);
  EXPECT_EQ(bench.decide(1, 0), Errc::duplicate);
  EXPECT_EQ(bench.reward(2, 0, 1.0), Fate::unknown_decision);
  EXPECT_EQ(bench.collector.pending(), 1U);
  EXPECT_EQ(bench.counters().decisions, 1U);
}

// -------------------------------------------------------------------------------------------------- overflow

TEST(CollectorJoining, ExpiresTheOldestWhenFull) {
  RewardSpec spec = window_of(10);
  spec.max_pending = 2;
  Bench bench(spec);
  for (std::uint64_t n = 1; n <= 4; ++n) {
    EXPECT_EQ(bench.decide(n, 0), Errc::ok);
  }
  EXPECT_EQ(bench.calls(), (Calls{lost(1, LossReason::overflow), lost(2, LossReason::overflow)}));
  EXPECT_EQ(bench.reward(1, 1, 1.0), Fate::late);
  EXPECT_EQ(bench.counters().overflow_expired, 2U);
  EXPECT_EQ(bench.counters().overflow_lost, 2U);
  EXPECT_EQ(test::accounted(bench.collector), bench.counters().decisions);
}

TEST(CollectorJoining, AnExpiredDecisionLearnsWhatCame) {
  RewardSpec spec = window_of(10);
  spec.max_pending = 1;
  spec.closing = Closing::window;
  Bench bench(spec);
  bench.decide(1, 0);
  bench.reward(1, 1, 0.5);
  bench.decide(2, 2);
  EXPECT_EQ(bench.calls(), Calls{learnt(1, 0.5)});
  EXPECT_EQ(bench.counters().overflow_expired, 1U);
  EXPECT_EQ(bench.counters().overflow_lost, 0U);
}

TEST(CollectorJoining, RefusesTheNewWhenFullAndToldTo) {
  RewardSpec spec = window_of(10);
  spec.max_pending = 1;
  spec.overflow = Overflow::refuse;
  Bench bench(spec);
  bench.decide(1, 0);
  EXPECT_EQ(bench.decide(2, 0), Errc::full);
  EXPECT_EQ(bench.reward(2, 1, 1.0), Fate::unknown_decision);
  EXPECT_EQ(bench.reward(1, 1, 1.0), Fate::learned);
  EXPECT_EQ(bench.decide(3, 2), Errc::ok);
  EXPECT_EQ(bench.counters().overflow_refused, 1U);
  EXPECT_EQ(test::accounted(bench.collector), bench.counters().decisions);
}

}  // namespace
}  // namespace attune::collector_joining_test
