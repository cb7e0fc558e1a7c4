// SPDX-License-Identifier: Apache-2.0
// The hot path takes no memory from the heap once it is warm.
#include <attune/engine/engine.hpp>

#include <array>
#include <charconv>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/allocation_counter.hpp"

namespace attune::engine_memory_test {
namespace {

constexpr int kWarmUp = 6'000;
constexpr int kCounted = 2'000;

/// Decides, answers and pumps; anything unexpected aborts, for a gtest macro could allocate.
std::size_t allocations_of(Engine& engine, const ContextView& context, const DecideOptions& options,
                           bool threads) {
  const PointId point = engine.point("p").value();
  Decision decision;
  std::size_t before = 0;
  for (int i = 0; i < kWarmUp + kCounted; ++i) {
    if (i == kWarmUp) {
      before = test::allocations();
    }
    if (engine.decide(point, context, options, decision) != Errc::ok ||
        engine.outcome(decision.id, i % 2 == 0 ? 1.0 : 0.0) != Errc::ok) {
      std::abort();
    }
    if (!threads && !engine.pump()) {
      std::abort();
    }
  }
  return test::allocations() - before;
}

Engine open(const std::string& text) {
  // Few closed decisions are remembered, so that their ring is full before the counting starts.
  Result<Engine> engine = Engine::open(R"({"seed":1,"node":"n",)" + text);
  EXPECT_TRUE(engine) << (engine ? "" : engine.error().message);
  return std::move(engine).value();
}

const std::string kReward = R"("reward":{"max_pending":100,"max_closed":1000})";

TEST(HotPath, ContextFreeDecisionsAndOutcomesDoNotAllocate) {
  Engine engine = open(R"("points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b","c"],)" + kReward + "}}}");
  EXPECT_EQ(allocations_of(engine, {}, {}, false), 0U);
}

TEST(HotPath, DenseContextsAndOfferedArmsDoNotAllocate) {
  Engine engine =
      open(R"("points":{"p":{"policy":{"type":"lin_ucb"},"arms":["a","b","c"],"context":{"dimension":5},)" +
           kReward + "}}}");
  const std::array<double, 5> x{0.1, 0.2, 0.3, 0.4, 0.5};
  const std::array<std::string_view, 2> offered{"c", "a"};
  EXPECT_EQ(allocations_of(engine, {.dense = x}, {.arms = offered}, false), 0U);
}

TEST(HotPath, NamedFeaturesDoNotAllocate) {
  Engine engine =
      open(R"("points":{"p":{"policy":{"type":"lin_ts"},"arms":["a","b"],"context":{"version":1,"features":[
      {"name":"length","type":"number","scale":"log1p"},{"name":"task","type":"category","values":["code","chat"]},
      {"name":"prompt","type":"text","buckets":8}]},)" +
           kReward + "}}}");
  const std::array<NamedFeature, 3> named{
      NamedFeature{.name = "length", .number = 120.0},
      NamedFeature{.name = "task", .text = "code", .is_text = true},
      NamedFeature{.name = "prompt", .text = "write a parser", .is_text = true}};
  EXPECT_EQ(allocations_of(engine, {.named = named}, {}, false), 0U);
}

/// Of decide() alone: a guard that trips makes sentences for health, on the learner's side. Rewards are 1 for
/// `run` decisions, then 0 for as many, and so on.
std::size_t allocations_of_decide(Engine& engine, int run = 1) {
  const PointId point = engine.point("p").value();
  Decision decision;
  std::size_t sum = 0;
  for (int i = 0; i < kWarmUp + kCounted; ++i) {
    const std::size_t before = test::allocations();
    if (engine.decide(point, {}, {}, decision) != Errc::ok) {
      std::abort();
    }
    sum += i >= kWarmUp ? test::allocations() - before : 0;
    if (engine.outcome(decision.id, i / run % 2 == 0 ? 1.0 : 0.0) != Errc::ok || !engine.pump()) {
      std::abort();
    }
  }
  return sum;
}

std::string guarded(std::string_view policy, std::string_view limit) {
  return R"("points":{"p":{"policy":{"type":")" + std::string(policy) +
         R"("},"arms":["a","b","c"],"safety":{"fallback":{"static":{"a":1,"b":2},"snapshot_every":1000000000},"guards":[
        {"kind":"latency","component":"reward","limit":)" +
         std::string(limit) + R"(,"quantile":0.4,"window":50,"min_samples":20,"cooldown_s":0.001},
        {"kind":"rate","component":"reward","above":)" +
         std::string(limit) + R"(,"limit":0.3,"window":50,"cooldown_s":0.001},
        {"kind":"budget","component":"reward","limit":1e9,"period_s":0.01},
        {"kind":"share","limit":1,"window":50}],
        "exploration":{"max_share":0.2,"window":50,"min_trials":5,"conservative":{"baseline":"a"}}},)" +
         kReward + "}}}";
}

TEST(HotPath, GuardsAndTheLadderDoNotAllocate) {
  for (const char* policy : {"ucb1", "thompson_beta", "epsilon_greedy"}) {
    Engine quiet = open(guarded(policy, "2"));
    EXPECT_EQ(allocations_of(quiet, {}, {}, false), 0U) << policy;
    EXPECT_EQ(quiet.metrics().points.at(0).safety->trips, 0U);
    Engine tripping = open(guarded(policy, "0.5"));
    EXPECT_EQ(allocations_of_decide(tripping), 0U) << policy;
    EXPECT_GT(tripping.metrics().points.at(0).safety->trips, 10U);
  }
  Engine killed = open(guarded("ucb1", "2"));
  ASSERT_TRUE(killed.kill(killed.point("p").value(), true, {.actor = "ops", .time = 0}));
  EXPECT_EQ(allocations_of(killed, {}, {}, false), 0U);
}

TEST(HotPath, DriftWatchesDoNotAllocate) {
  for (const char* policy : {"ucb1", "thompson_beta", "epsilon_greedy"}) {
    Engine engine =
        open(R"("points":{"p":{"policy":{"type":")" + std::string(policy) + R"("},"arms":["a","b","c"],
        "drift":[{"watch":"reward_per_arm","actions":["reset_arm","boost_exploration"],"boost_decisions":5,"cooldown":0,
                  "detector":{"type":"page_hinkley","threshold":2,"min_instances":2}},
                 {"watch":"residual","actions":["forget","alert"],"alert_s":1,"cooldown":0,
                  "detector":{"type":"page_hinkley","threshold":2,"min_instances":2}}],)" +
             kReward + "}}}");
    EXPECT_EQ(allocations_of_decide(engine, 300), 0U) << policy;
    EXPECT_GT(engine.metrics().points.at(0).drift.at(0).drifts, 10U) << policy;
    EXPECT_GT(engine.metrics().points.at(0).drift.at(1).drifts, 10U) << policy;
  }
}

TEST(HotPath, ScreeningDoesNotAllocate) {
  for (const char* action : {"log", "fall_back"}) {
    Engine engine = open(
        R"("points":{"p":{"policy":{"type":"lin_ucb"},"arms":["a","b","c"],"context":{"dimension":5},"fallback":"a",
        "screening":{"contexts":{"action":")" +
        std::string(action) +
        R"("},"outcomes":[{"watch":"component","component":"reward","action":"clip","alarm_above":1,"detector":{"type":"hampel"}},
                     {"name":"formed","watch":"reward","action":"reject","alarm_above":1,"detector":{"type":"z_score"}}],
        "sources":{}},)" +
        kReward + "}}}");
    const std::array<double, 5> x{0.1, 0.2, 0.3, 0.4, 0.5};
    EXPECT_EQ(allocations_of(engine, {.dense = x}, {}, false), 0U) << action;
  }
}

TEST(HotPath, ClientKeysDoNotAllocateOnceAsManyAreKnownAsAreKept) {
  Engine engine =
      open(R"("client_keys":{"keep":500},"points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b"],)" +
           kReward + "}}}");
  const PointId point = engine.point("p").value();
  Decision decision;
  std::array<char, 16> key{};
  std::size_t before = 0;
  for (int i = 0; i < kWarmUp + kCounted; ++i) {
    if (i == kWarmUp) {
      before = test::allocations();
    }
    const auto end = std::to_chars(key.data(), key.data() + key.size(), i / 2);  // each key twice
    const std::string_view text(key.data(), end.ptr);
    if (engine.decide(point, {}, {.client_key = text, .subject = "somebody"}, decision) != Errc::ok ||
        engine.outcome(decision.id, 1.0) != Errc::ok || !engine.pump()) {
      std::abort();
    }
  }
  EXPECT_EQ(test::allocations() - before, 0U);
  EXPECT_EQ(engine.metrics().client_keys.retried, static_cast<std::uint64_t>(kWarmUp + kCounted) / 2);
}

}  // namespace
}  // namespace attune::engine_memory_test
