// SPDX-License-Identifier: Apache-2.0
// How outcomes become rewards, by examples worked by hand. Joining is in collector_joining_test.cpp, chains
// of decisions are in collector_chains_test.cpp.
#include <attune/rewards/collector.hpp>

#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rewards/reward_fixture.hpp"

namespace attune::collector_test {
namespace {

using test::Bench;
using test::Calls;
using test::learnt;
using test::lost;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

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

TEST(Collector, LearnsTheRewardOfADecision) {
  Bench bench(window_of(10));
  EXPECT_EQ(bench.decide(1, 0), Errc::ok);
  EXPECT_EQ(bench.collector.pending(), 1U);
  EXPECT_EQ(bench.reward(1, 3, 0.75), Fate::learned);
  EXPECT_EQ(bench.calls(), Calls{learnt(1, 0.75)});
  EXPECT_EQ(bench.collector.pending(), 0U);
  EXPECT_EQ(bench.counters().learned, 1U);
  EXPECT_EQ(bench.counters().reward_sum, 0.75);
}

TEST(Collector, KeepsAllThatTheDecisionSaid) {
  Collector collector = Collector::make(window_of(10)).value();
  test::RecordingSink sink;
  const std::vector<double> value{0.5, -1.0};
  const std::vector<std::uint32_t> index{2, 7};
  const std::vector<double> action{4.0};
  const std::vector<double> values{1.0, 2.0, 3.0};
  DecisionRecord record;
  record.header.id = test::id_of(9);
  record.header.position = 77;
  record.header.time = Bench::at(5);
  record.sequence = 3;
  record.version = 12;
  record.propensity = kNaN;  // deferred
  record.episode = 5;
  record.arm = to_arm(4);
  record.input.sparse = {index, value};
  record.action_features = action;
  record.values = values;
  ASSERT_EQ(collector.on_decision(record, sink), Errc::ok);
  int visited = 0;
  collector.for_each_pending([&](const PendingDecision& kept) {
    ++visited;
    EXPECT_EQ(kept.id, test::id_of(9));
    EXPECT_EQ(kept.position, 77U);
    EXPECT_EQ(kept.time, Bench::at(5));
    EXPECT_EQ(kept.sequence, 3U);
    EXPECT_EQ(kept.version, 12U);
    EXPECT_TRUE(kept.propensity != kept.propensity);
    EXPECT_EQ(kept.episode, 5U);
    EXPECT_EQ(kept.arm, to_arm(4));
    EXPECT_EQ(kept.sparse_index, index);
    EXPECT_EQ(kept.sparse_value, value);
    EXPECT_EQ(kept.input().sparse.value.size(), 2U);
    EXPECT_TRUE(kept.dense.empty());
    EXPECT_EQ(kept.action_features, action);
    EXPECT_EQ(kept.values, values);
  });
  EXPECT_EQ(visited, 1);
}

TEST(Collector, VisitsPendingDecisionsOldestFirst) {
  Bench bench(window_of(10));
  for (const std::uint64_t n : {5U, 3U, 9U, 1U}) {
    bench.decide(n, 0);
  }
  bench.reward(3, 1, 0.0);
  std::vector<std::uint64_t> seen;
  bench.collector.for_each_pending([&](const PendingDecision& d) { seen.push_back(test::number_of(d.id)); });
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{5, 9, 1}));
}

// ------------------------------------------------------------------------------------------------ components

TEST(Collector, WaitsForEveryRequiredComponentInAnyOrder) {
  Bench bench(quality_and_cost());
  bench.decide(1, 0);
  bench.decide(2, 0);
  EXPECT_EQ(bench.say(2, 1, {{"cost", 2.0}}), Fate::waiting);
  EXPECT_EQ(bench.say(1, 1, {{"quality", 1.0}, {"cost", 3.0}}), Fate::learned);
  EXPECT_EQ(bench.say(2, 2, {{"quality", 0.9}}), Fate::learned);
  // 1 - 0.2 * 3 = 0.4; 0.9 - 0.2 * 2 = 0.5, summed in the order of the specification.
  EXPECT_EQ(bench.calls(), (Calls{learnt(1, 1.0 + -0.2 * 3.0), learnt(2, 0.9 + -0.2 * 2.0)}));
}

TEST(Collector, DoesNotWaitForOptionalComponents) {
  RewardSpec spec = quality_and_cost();
  spec.components[1].required = false;
  Bench bench(spec);
  bench.decide(1, 0);
  bench.decide(2, 0);
  EXPECT_EQ(bench.say(1, 1, {{"quality", 0.5}}), Fate::learned);
  EXPECT_EQ(bench.say(2, 1, {{"cost", 1.0}}), Fate::waiting);
  EXPECT_EQ(bench.say(2, 1, {{"quality", 0.5}}), Fate::learned);
  EXPECT_EQ(bench.calls(), (Calls{learnt(1, 0.5, RewardOrigin::partial), learnt(2, 0.5 + -0.2 * 1.0)}));
  EXPECT_EQ(bench.counters().learned_partial, 1U);
}

TEST(Collector, TakesTheDefaultOfAMissingOptionalComponent) {
  RewardSpec spec = quality_and_cost();
  spec.components[1] = {
      .name = "cost", .weight = -0.5, .required = false, .has_default = true, .default_value = 0.5};
  Bench bench(spec);
  bench.decide(1, 0);
  bench.say(1, 1, {{"quality", 1.0}});
  EXPECT_EQ(bench.calls(), Calls{learnt(1, 0.75, RewardOrigin::partial)});
}

TEST(Collector, WaitsForSomethingWhenNothingIsRequired) {
  RewardSpec spec = quality_and_cost();
  spec.components[0].required = false;
  spec.components[1].required = false;
  Bench bench(spec);
  bench.decide(1, 0);
  bench.decide(2, 0);
  EXPECT_EQ(bench.say(1, 1, {}), Fate::waiting);
  EXPECT_EQ(bench.say(1, 2, {{"cost", 1.0}}), Fate::learned);
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), (Calls{learnt(1, -0.2, RewardOrigin::partial), lost(2, LossReason::silent)}));
}

TEST(Collector, RefusesAnOutcomeWithAnUnknownComponentWhole) {
  Bench bench(quality_and_cost());
  bench.decide(1, 0);
  EXPECT_EQ(bench.say(1, 1, {{"quality", 1.0}, {"mood", 2.0}}), Fate::unknown_component);
  EXPECT_EQ(bench.say(1, 2, {{"cost", 1.0}}), Fate::waiting) << "quality must not have been joined";
  EXPECT_EQ(bench.counters().unknown_component, 1U);
}

TEST(Collector, RefusesNumbersThatAreNotFinite) {
  Bench bench(window_of(10));
  EXPECT_EQ(bench.decide(1, 0, 0, {1.0, kNaN}), Errc::non_finite);
  bench.decide(2, 0);
  const Bytes before = bench.state();
  EXPECT_EQ(bench.reward(2, 0, kNaN), Fate::invalid);
  EXPECT_EQ(bench.reward(2, 0, 1.0, {.truncated = true, .next = {kNaN}}), Fate::invalid);
  EXPECT_EQ(bench.counters().invalid, 3U);
  EXPECT_EQ(bench.reward(2, 0, 1.0), Fate::learned);
  DecisionRecord uneven;
  const std::vector<std::uint32_t> index{1};
  uneven.input.sparse.index = index;
  EXPECT_EQ(bench.collector.on_decision(uneven, bench.sink), Errc::dimension_mismatch);
}

// ----------------------------------------------------------------------------------------------- aggregation

/// The reward of a decision that gets 3, then 1, then 2 (with keys), when its window ends.
double aggregated(Aggregation how) {
  RewardSpec spec = window_of(10);
  spec.components.front().aggregate = how;
  spec.closing = Closing::window;
  Bench bench(spec);
  bench.decide(1, 0);
  std::uint64_t key = 1;
  for (const double value : {3.0, 1.0, 2.0}) {
    EXPECT_EQ(bench.reward(1, 1, value, {.key = key++}), Fate::waiting);
  }
  bench.wait_until(10);
  const Calls calls = bench.calls();
  return calls.size() == 1 ? calls.front().reward : kNaN;
}

TEST(Collector, AggregatesRepeatedSignals) {
  EXPECT_EQ(aggregated(Aggregation::last), 2.0);
  EXPECT_EQ(aggregated(Aggregation::sum), 6.0);
  EXPECT_EQ(aggregated(Aggregation::mean), 2.0);
  EXPECT_EQ(aggregated(Aggregation::max), 3.0);
  EXPECT_EQ(aggregated(Aggregation::first), 3.0);
}

TEST(Collector, MaximumOfNegativeSignalsIsNegative) {
  RewardSpec spec = window_of(10);
  spec.components.front().aggregate = Aggregation::max;
  spec.closing = Closing::window;
  Bench bench(spec);
  bench.decide(1, 0);
  bench.reward(1, 1, -5.0, {.key = 1});
  bench.reward(1, 1, -7.0, {.key = 2});
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), Calls{learnt(1, -5.0)});
}

TEST(Collector, HugeSignalsStayFinite) {
  RewardSpec spec = window_of(10);
  spec.components = {{.name = "a", .weight = 1e12, .aggregate = Aggregation::sum},
                     {.name = "b", .weight = -1e12, .normalise = Normalisation::running}};
  spec.closing = Closing::window;
  Bench bench(spec);
  constexpr double kHuge = std::numeric_limits<double>::max();
  for (std::uint64_t n = 1; n <= 4; ++n) {
    bench.decide(n, 0);
    bench.say(n, 1, {{"a", kHuge}, {"b", n % 2 == 0 ? kHuge : -kHuge}}, {.key = 1});
    bench.say(n, 1, {{"a", kHuge}}, {.key = 2});
  }
  bench.wait_until(11);
  const Calls calls = bench.calls();
  ASSERT_EQ(calls.size(), 4U);
  for (const test::Call& call : calls) {
    EXPECT_EQ(call.reward, 1e300);
  }
}

// ---------------------------------------------------------------------------------- normalisation and limits

TEST(Collector, NormalisesByRangeAndClips) {
  RewardSpec spec = window_of(10);
  spec.components.front() = {
      .weight = 2.0, .normalise = Normalisation::range, .range_min = 100.0, .range_max = 300.0};
  Bench bench(spec);
  double expected_of[] = {0.0, 0.5, 2.0};
  double given[] = {50.0, 150.0, 1000.0};
  for (std::uint64_t n = 0; n < 3; ++n) {
    bench.decide(n, 0);
    bench.reward(n, 0, given[n]);
    EXPECT_EQ(bench.calls(), Calls{learnt(n, expected_of[n])});
  }
}

TEST(Collector, NormalisesByTheValuesSeenBefore) {
  RewardSpec spec = window_of(10);
  spec.components.front().normalise = Normalisation::running;
  Bench bench(spec);
  std::vector<double> rewards;
  std::uint64_t n = 0;
  for (const double value : {1.0, 3.0, 4.0, 1000.0, -1000.0}) {
    bench.decide(n, 0);
    bench.reward(n++, 0, value);
    rewards.push_back(bench.calls().front().reward);
  }
  EXPECT_EQ(rewards[0], 0.0);  // none seen
  EXPECT_EQ(rewards[1], 0.0);  // one seen
  // Seen 1 and 3: mean 2, sample variance 2; (4 - 2) / sqrt(2) = 1.41421356.
  EXPECT_NEAR(rewards[2], 1.4142135623730951, 1e-15);
  EXPECT_EQ(rewards[3], 4.0);  // clipped
  // Seen 1, 3, 4, 1000: mean 252, deviation 498.67; (-1000 - 252) / 498.67 = -2.5107.
  EXPECT_NEAR(rewards[4], -2.5107, 1e-4);
}

TEST(Collector, EqualValuesHaveNoDeviation) {
  RewardSpec spec = window_of(10);
  spec.components.front().normalise = Normalisation::running;
  Bench bench(spec);
  for (std::uint64_t n = 0; n < 4; ++n) {
    bench.decide(n, 0);
    bench.reward(n, 0, n == 3 ? 0.7 : 0.3);
  }
  EXPECT_EQ(bench.calls(), (Calls{learnt(0, 0.0), learnt(1, 0.0), learnt(2, 0.0), learnt(3, 4.0)}));
}

TEST(Collector, ReplacesTheWholeRewardWhenALimitIsBroken) {
  RewardSpec spec = quality_and_cost();
  spec.components[1].has_limit_max = true;
  spec.components[1].limit_max = 5.0;
  spec.components[0].has_limit_min = true;
  spec.components[0].limit_min = 0.1;
  spec.breach_reward = -10.0;
  Bench bench(spec);
  bench.decide(1, 0);
  bench.decide(2, 0);
  bench.decide(3, 0);
  bench.say(1, 1, {{"quality", 1.0}, {"cost", 5.0}});  // at the limit is within
  bench.say(2, 1, {{"quality", 1.0}, {"cost", 5.01}});
  bench.say(3, 1, {{"quality", 0.09}, {"cost", 0.0}});
  EXPECT_EQ(bench.calls(), (Calls{learnt(1, 0.0), learnt(2, -10.0), learnt(3, -10.0)}));
  EXPECT_EQ(bench.counters().breaches, 2U);
}

TEST(Collector, ClipsTheReward) {
  RewardSpec spec = window_of(10);
  spec.reward_min = -1.0;
  spec.reward_max = 2.0;
  Bench bench(spec);
  bench.decide(1, 0);
  bench.decide(2, 0);
  bench.reward(1, 0, 7.0);
  bench.reward(2, 0, -7.0);
  EXPECT_EQ(bench.calls(), (Calls{learnt(1, 2.0), learnt(2, -1.0)}));
}

TEST(Collector, MakeNamesWhatIsWrong) {
  RewardSpec spec;
  spec.credit = Credit::custom;
  spec.credit_function = "share";
  const Result<Collector> made = Collector::make(spec);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::invalid_config);
  EXPECT_NE(made.error().message.find("share"), std::string::npos);
  EXPECT_EQ(to_string(Fate::learned_late), "learned_late");
  EXPECT_EQ(to_string(Fate::too_many), "too_many");
}

}  // namespace
}  // namespace attune::collector_test
