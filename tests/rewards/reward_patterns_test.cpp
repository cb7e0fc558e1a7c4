// SPDX-License-Identifier: Apache-2.0
// The worked examples of docs/rewards.md.
#include <vector>

#include <gtest/gtest.h>

#include <attune/rewards/collector.hpp>

#include "tests/rewards/reward_fixture.hpp"

namespace attune::reward_patterns_test {
namespace {

using test::Bench;

/// The reward of one decision that gets these outcomes (each with its key) before its window ends.
double reward_of(const RewardSpec& spec, const std::vector<std::vector<Component>>& outcomes) {
  Bench bench(spec);
  bench.decide(1, 0);
  std::uint64_t key = 1;
  for (const std::vector<Component>& outcome : outcomes) {
    bench.say(1, 1, outcome, {.key = key++});
  }
  bench.wait_until(1e6);
  const test::Calls calls = bench.calls();
  EXPECT_EQ(calls.size(), 1U);
  return calls.empty() ? -99.0 : calls.front().reward;
}

ComponentSpec ranged(const char* name, double weight, double low, double high) {
  ComponentSpec component;
  component.name = name;
  component.weight = weight;
  component.normalise = Normalisation::range;
  component.range_min = low;
  component.range_max = high;
  return component;
}

TEST(RewardPatterns, WeightedSum) {
  RewardSpec spec;
  spec.closing = Closing::window;
  spec.components = {
      {.name = "quality", .weight = 0.5}, ranged("cost", -0.3, 0, 0.05), ranged("latency_s", -0.2, 0, 10)};
  spec.components[1].aggregate = Aggregation::sum;
  EXPECT_NEAR(reward_of(spec, {{{"quality", 0.9}, {"cost", 0.01}, {"latency_s", 2}}, {{"cost", 0.015}}}),
              0.26, 1e-15);
}

TEST(RewardPatterns, ConstraintPenalty) {
  RewardSpec spec;
  spec.components = {{.name = "quality"},
                     {.name = "latency_s", .weight = 0, .has_limit_max = true, .limit_max = 5}};
  spec.breach_reward = -1;
  EXPECT_EQ(reward_of(spec, {{{"quality", 0.9}, {"latency_s", 4}}}), 0.9);
  EXPECT_EQ(reward_of(spec, {{{"quality", 1.0}, {"latency_s", 6}}}), -1.0);
}

TEST(RewardPatterns, TieredThreshold) {
  RewardSpec spec;
  spec.components = {ranged("score", 1, 0.79, 0.8)};
  spec.components[0].has_limit_min = true;
  spec.components[0].limit_min = 0.3;
  spec.breach_reward = -1;
  EXPECT_EQ(reward_of(spec, {{{"score", 0.2}}}), -1.0);
  EXPECT_EQ(reward_of(spec, {{{"score", 0.7}}}), 0.0);
  EXPECT_EQ(reward_of(spec, {{{"score", 0.85}}}), 1.0);
}

TEST(RewardPatterns, Lexicographic) {
  RewardSpec spec;
  spec.components = {ranged("quality", 1, 0, 1), ranged("cost", -0.01, 0, 0.05)};
  EXPECT_NEAR(reward_of(spec, {{{"quality", 0.80}, {"cost", 0.05}}}), 0.79, 1e-15);
  EXPECT_NEAR(reward_of(spec, {{{"quality", 0.80}, {"cost", 0.01}}}), 0.798, 1e-15);
  EXPECT_NEAR(reward_of(spec, {{{"quality", 0.82}, {"cost", 0.05}}}), 0.81, 1e-15);
}

TEST(RewardPatterns, ClicksWithKeys) {
  RewardSpec spec;
  spec.components = {{.name = "click", .aggregate = Aggregation::sum}};
  spec.closing = Closing::window;
  Bench bench(spec);
  bench.decide(1, 0);
  EXPECT_EQ(bench.say(1, 1, {{"click", 1}}, {.key = 1}), Fate::waiting);
  EXPECT_EQ(bench.say(1, 1, {{"click", 1}}, {.key = 1}), Fate::duplicate);
  EXPECT_EQ(bench.say(1, 1, {{"click", 1}}, {.key = 2}), Fate::waiting);
  EXPECT_EQ(bench.say(1, 1, {{"click", 5}}, {.key = 2}), Fate::conflict);
  EXPECT_EQ(bench.say(1, 1, {{"click", 1}}), Fate::waiting);
  EXPECT_EQ(bench.say(1, 1, {{"click", 1}}), Fate::duplicate);
  bench.wait_until(3600);
  EXPECT_EQ(bench.calls(), test::Calls{test::learnt(1, 3.0)});
  EXPECT_EQ(bench.say(1, 3601, {{"click", 1}}, {.key = 3}), Fate::late);
}

}  // namespace
}  // namespace attune::reward_patterns_test
