// SPDX-License-Identifier: Apache-2.0
// Drift watches are a part of the fold: after restarts, in both modes and in replays they are the same.
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

namespace attune::drift_recovery_test {
namespace {

using test::open;
using test::Place;
using test::play;
using test::SharedJournal;

/// Every watch and every action, with detectors so nervous that all of it happens again and again.
std::string watched(std::string_view mode, std::string_view drift = {}) {
  static constexpr std::string_view kAll = R"(
      {"watch":"reward","actions":["boost_exploration","alert","retrain"],"boost_decisions":30,"boost_share":0.3,
       "alert_s":20,"cooldown":40,"detector":{"type":"page_hinkley","threshold":3,"min_instances":5}},
      {"watch":"reward_per_arm","actions":["reset_arm"],"cooldown":5,
       "detector":{"type":"page_hinkley","threshold":3,"min_instances":5}},
      {"name":"all","watch":"reward_per_arm","actions":["forget"],"scope":"all","keep":0.5,
       "detector":{"type":"cusum","training":32,"threshold":3}},
      {"watch":"residual","actions":["reset_policy"],"detector":{"type":"kswin","alpha":0.05,"window_size":40,"stat_size":10}},
      {"watch":"component","component":"cost","actions":["snapshot"],"detector":{"type":"ewma","training":32,"limit":2}},
      {"watch":"feature","feature":0,"detector":{"type":"bocpd"}},
      {"watch":"features","detector":{"type":"adwin","delta":0.5}},
      {"name":"mix","watch":"features","form":"projection","projections":2})";
  return R"({"seed":7,"node":"test","mode":")" + std::string(mode) +
         R"(","checkpoint":{"every_s":0,"every_records":200,"keep":3},"points":{"p":{
    "policy":{"type":"lin_ts"},"arms":[{"id":"a","prior":{"mean":0.5,"weight":2}},"b","c","d"],
    "context":{"dimension":2},
    "reward":{"components":{"reward":{},"cost":{"weight":0}},"join_window_s":40},
    "safety":{"fallback":{"snapshot_every":30}},"drift":[)" +
         std::string(drift.empty() ? kAll : drift) + "]}}}";
}

EngineOptions noting(std::vector<std::uint64_t>& retrained) {
  EngineOptions options;
  options.retrain = [&retrained](std::string_view, std::string_view, std::uint64_t position) {
    retrained.push_back(position);
  };
  return options;
}

/// Rewards, costs and contexts whose level changes every hundred rounds.
void round(Engine& engine, Rng& rng, int i) {
  const PointId point = engine.point("p").value();
  const double level = i / 100 % 2 == 0 ? 0.0 : 1.0;
  const std::array<double, 2> x{1.0 + level, rng.uniform()};
  Decision decision;
  ASSERT_EQ(engine.decide(point, {.dense = x}, {}, decision), Errc::ok) << Engine::last_error();
  const std::array<Component, 2> parts{Component{.name = "reward", .value = rng.uniform() + level},
                                       Component{.name = "cost", .value = rng.uniform() + 2.0 * level}};
  if (rng.below(8) != 0) {
    ASSERT_EQ(engine.outcome(decision.id, parts), Errc::ok);
  }
}

TEST(DriftRecovery, AReopenedEngineEqualsOneThatWasNeverStopped) {
  const Place left;
  const Place right{std::make_shared<SharedJournal::Store>(), left.clock};
  std::vector<std::uint64_t> left_trained;
  std::vector<std::uint64_t> trained;
  Engine straight = open(watched("pump"), left, noting(left_trained));
  test::expect_restarts_unseen(
      straight, left, 1200, [&] { return open(watched("pump"), right, noting(trained)); }, round);
  // It went everywhere: each watch has acted, and what was replayed was not retrained again.
  const EngineMetrics seen = straight.metrics();
  for (const DriftMetrics& watch : seen.points.at(0).drift) {
    EXPECT_GT(watch.drifts, 0U) << watch.name;
    for (const auto& [action, count] : watch.actions) {
      EXPECT_GT(count, 0U) << watch.name << " " << action;
    }
  }
  EXPECT_FALSE(trained.empty());
  EXPECT_EQ(trained, left_trained);

  // Every decision can be made again, bit for bit, with its reason and its propensity.
  int boosted = 0;
  test::expect_derived(left.store, 20, test::every(29), [&](const Derivation& derived) {
    boosted += derived.reason == ChoiceReason::drift ? 1 : 0;
  });
  EXPECT_GT(boosted, 0);
}

TEST(DriftRecovery, ThreadModeAndPumpModeMakeTheSameState) {
  const Place place;
  Bytes threaded;
  {
    Engine engine = open(watched("threads"), place);
    threaded = test::state_after_callers(engine, place, 400, round);
    EXPECT_GT(engine.metrics().points.at(0).drift.at(1).drifts, 0U);
  }
  EXPECT_EQ(open(watched("pump"), place).state(), threaded);
}

TEST(DriftRecovery, AWatchThatIsAnotherOneNowBeginsAnewAndTheOthersGoOn) {
  const Place place;
  {
    Engine engine =
        open(watched("pump", R"({"watch":"reward"},{"watch":"component","component":"cost"})"), place);
    ASSERT_NO_FATAL_FAILURE(play(engine, 3, 90, round));
    EXPECT_GT(engine.metrics().points.at(0).drift.at(0).values, 60U);
  }
  const Engine engine = open(
      watched("pump",
              R"({"watch":"component","component":"cost"},{"watch":"reward","detector":{"type":"cusum"}})"),
      place);
  const std::vector<DriftMetrics> drift = engine.metrics().points.at(0).drift;
  EXPECT_GT(drift.at(0).values, 60U);
  EXPECT_EQ(drift.at(1).values, 0U);
  // Without any, the state is of the version that it always was.
  EXPECT_EQ(static_cast<int>(engine.state()[4]), 4);
  EXPECT_EQ(
      static_cast<int>(
          open(R"({"seed":1,"points":{"p":{"policy":{"type":"ucb1"},"arms":["a"],"drift":[]}}})", Place{})
              .state()[4]),
      2);
}

TEST(DriftRecovery, ADamagedStateIsRefusedOrHarmless) {
  const Place place;
  Bytes state;
  {
    Engine engine = open(watched("pump"), place);
    ASSERT_NO_FATAL_FAILURE(play(engine, 5, 150, round));
    state = engine.state();
  }
  test::expect_damage_refused_or_harmless(watched("pump"), place, state, 20, 61, round);
}

}  // namespace
}  // namespace attune::drift_recovery_test
