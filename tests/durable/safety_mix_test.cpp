// SPDX-License-Identifier: Apache-2.0
// Everything that may overrule a policy at once, over restarts and changed configurations.
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/engine/engine.hpp>
#include <attune/engine/replay.hpp>

#include "tests/durable/fold_laws.hpp"
#include "tests/support/shared_journal.hpp"

namespace attune::safety_mix_test {
namespace {

using test::SharedJournal;

constexpr std::string_view kGuards = R"("safety":{"fallback":{"static":{"a":1,"b":1},"snapshot_every":20},
    "exploration":{"max_share":0.6,"window":40,"min_trials":3},
    "guards":[{"kind":"quality","component":"reward","per":"point","restore":true,"limit":0.45,"window":40,
               "min_samples":10,"cooldown_s":15},
              {"kind":"rate","component":"cost","above":0.8,"limit":0.3,"window":30,"min_samples":10,"cooldown_s":20}]})";
constexpr std::string_view kSnapshots = R"("safety":{"fallback":{"snapshot_every":20}})";
constexpr std::string_view kDrift = R"("drift":[
    {"watch":"reward","actions":["snapshot","alert"],"alert_s":10,"cooldown":10,
     "detector":{"type":"page_hinkley","threshold":3,"min_instances":5}},
    {"watch":"reward_per_arm","actions":["reset_arm","boost_exploration"],"boost_decisions":9,"cooldown":5,
     "detector":{"type":"page_hinkley","threshold":3,"min_instances":5}}])";
constexpr std::string_view kScreening = R"("screening":{
    "contexts":{"action":"fall_back","detector":{"level":0.05,"warm_up":20}},
    "outcomes":[{"watch":"component","component":"reward","action":"reject","detector":{"type":"iqr","window":32,"warm_up":8}}],
    "sources":{"share":0.3,"window":60,"floor":60}})";

std::string config(const std::vector<std::string_view>& parts) {
  std::string text =
      R"({"seed":7,"node":"test","checkpoint":{"every_s":0,"every_records":150,"keep":3},"points":{"p":{
    "policy":{"type":"epsilon_greedy","epsilon":0.3,"schedule":"constant"},"arms":["a","b","c"],"context":{"dimension":2},
    "reward":{"components":{"reward":{},"cost":{"weight":0,"required":false}},"join_window_s":40},"fallback":"a")";
  for (const std::string_view part : parts) {
    text += "," + std::string(part);
  }
  return text + "}}}";
}

Engine open(const std::string& text, const std::shared_ptr<SharedJournal::Store>& store,
            const std::shared_ptr<ManualClock>& clock) {
  EngineOptions options;
  options.clock = clock;
  options.journal = std::make_unique<SharedJournal>(store);
  Result<Engine> engine = Engine::open(text, std::move(options));
  EXPECT_TRUE(engine) << engine.error().message;
  return std::move(*engine);
}

void round(Engine& engine, Rng& rng, int i) {
  const PointId point = engine.point("p").value();
  const bool bad = i / 60 % 2 == 1;
  const std::array<double, 2> x{rng.below(25) == 0 ? 20.0 : rng.uniform(), rng.uniform()};
  Decision decision;
  ASSERT_EQ(engine.decide(point, {.dense = x}, {}, decision), Errc::ok) << Engine::last_error();
  const std::array<Component, 2> parts{
      Component{.name = "cost", .value = rng.uniform() * (decision.arm == "c" ? 1.5 : 1.0)},
      Component{.name = "reward",
                .value = rng.uniform() * (bad ? 0.4 : 1.0) + (rng.below(30) == 0 ? 9.0 : 0.0)}};
  const std::string source = "s" + std::to_string(rng.below(6));
  ASSERT_EQ(engine.outcome(decision.id, parts, {.source = source}), Errc::ok);
  if (i % 97 == 40 || i % 97 == 50) {
    ASSERT_TRUE(engine.kill(point, i % 97 == 40, {.actor = "ops", .time = 0}));
  }
  if (i % 131 == 60 || i % 131 == 80) {
    ASSERT_TRUE(engine.freeze(point, i % 131 == 60, {.actor = "ops", .time = 0}));
  }
  if (i % 200 == 150) {
    ASSERT_TRUE(engine.pump());
    static_cast<void>(engine.freeze(point, false, {.actor = "ops", .time = 0}));
    ASSERT_TRUE(engine.pump());
    ASSERT_TRUE(engine.remove_arm(point, "c"));
    ASSERT_TRUE(engine.add_arm(point, "c"));
  }
  ASSERT_TRUE(engine.pump());
}

TEST(SafetyMix, AReopenedEngineEqualsOneThatWasNeverStopped) {
  const auto clock = std::make_shared<ManualClock>();
  const auto left_store = std::make_shared<SharedJournal::Store>();
  const auto store = std::make_shared<SharedJournal::Store>();
  const std::string all = config({kGuards, kDrift, kScreening});
  Engine straight = open(all, left_store, clock);
  auto stopped = std::make_unique<Engine>(open(all, store, clock));
  Rng left(1, 0, 0, 0);
  Rng right(1, 0, 0, 0);
  for (int i = 0; i < 900; ++i) {
    ASSERT_NO_FATAL_FAILURE(round(straight, left, i));
    ASSERT_NO_FATAL_FAILURE(round(*stopped, right, i));
    if (i % 23 == 22) {
      ASSERT_EQ(straight.state(), stopped->state()) << i;
      stopped.reset();
      stopped = std::make_unique<Engine>(open(all, store, clock));
      ASSERT_EQ(straight.state(), stopped->state()) << i;
    }
    clock->advance(kSecond);
  }
  const PointMetrics seen = straight.metrics().points.at(0);
  EXPECT_GT(seen.safety->restored, 0U);
  EXPECT_GT(seen.safety->trips, 2U);
  EXPECT_GT(seen.safety->frozen_rewards, 0U);
  EXPECT_GT(seen.drift.at(0).actions.at(1).second, 0U);
  EXPECT_GT(seen.drift.at(0).withheld + seen.drift.at(1).withheld, 0U);
  EXPECT_GT(seen.screening->unfamiliar, 0U);
  EXPECT_GT(seen.screening->screens.at(0).rejected, 0U);
}

// What a record did depends on the configuration that it was written under, whatever came later.
TEST(SafetyMix, EveryDecisionIsDerivedAgainUnderItsOwnConfiguration) {
  const auto clock = std::make_shared<ManualClock>();
  const auto store = std::make_shared<SharedJournal::Store>();
  const std::vector<std::string> configs{config({kGuards, kDrift, kScreening}),
                                         config({kSnapshots, kDrift}),
                                         config({kGuards, kScreening}),
                                         config({}),
                                         config({kScreening}),
                                         config({kGuards, kDrift, kScreening})};
  Rng rng(5, 0, 0, 0);
  for (const std::string& text : configs) {
    Engine engine = open(text, store, clock);
    for (int i = 0; i < 140; ++i) {
      ASSERT_NO_FATAL_FAILURE(round(engine, rng, i));
      clock->advance(kSecond);
    }
    const PointId point = engine.point("p").value();
    ASSERT_TRUE(engine.freeze(point, false, {.actor = "ops", .time = 0}));  // else the next one is refused
    ASSERT_TRUE(engine.pump());
  }
  const Bytes last = open(configs.back(), store, clock).state();
  test::expect_derived(
      store, 100, [](const DecisionRecord& record) { return record.sequence % 7 == 0; },
      [](const Derivation& /*derived*/) {});
  EXPECT_EQ(open(configs.back(), store, clock).state(), last);
}

}  // namespace
}  // namespace attune::safety_mix_test
