// SPDX-License-Identifier: Apache-2.0
// Screening is a part of the fold: after restarts, in both modes and in replays it is the same.
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
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

namespace attune::screening_recovery_test {
namespace {

using test::open;
using test::Place;
using test::play;
using test::SharedJournal;

constexpr std::string_view kAll = R"(
    "contexts":{"action":"fall_back","alarm_above":0.05,"detector":{"level":0.05,"warm_up":20,"refresh":7}},
    "outcomes":[{"watch":"component","component":"reward","action":"reject","detector":{"type":"hampel","window":21,"warm_up":5}},
                {"watch":"component","component":"cost","action":"clip","per":"point","detector":{"type":"ewma_residual","warm_up":5,"threshold":2}},
                {"name":"formed","watch":"reward","action":"reject","detector":{"type":"iqr","window":32,"warm_up":8,"factor":1}},
                {"name":"again","watch":"reward","action":"clip","detector":{"type":"robust_z","threshold":1}}],
    "sources":{"share":0.2,"window":60,"floor":40})";

std::string screened(std::string_view mode, std::string_view screening = kAll, std::string_view more = {}) {
  return R"({"seed":7,"node":"test","mode":")" + std::string(mode) +
         R"(","checkpoint":{"every_s":0,"every_records":200,"keep":3},"points":{"p":{
    "policy":{"type":"lin_ts"},"arms":["a","b","c","d"],"context":{"dimension":2},
    "reward":{"components":{"reward":{},"cost":{"weight":0.1}},"join_window_s":40,"late":"learn"},
    "safety":{"fallback":{"static":{"a":1,"b":1},"snapshot_every":30}},"screening":{)" +
         std::string(screening) + "}" + std::string(more) + "}}}";
}

/// Contexts, rewards and costs of which some cannot be, from few sources.
void round(Engine& engine, Rng& rng, int /*i*/) {
  const PointId point = engine.point("p").value();
  const bool odd = rng.below(20) == 0;
  const std::array<double, 2> x{odd ? 30.0 * rng.uniform() : rng.uniform(), rng.uniform()};
  Decision decision;
  ASSERT_EQ(engine.decide(point, {.dense = x}, {}, decision), Errc::ok) << Engine::last_error();
  const std::array<Component, 2> parts{
      Component{.name = "reward", .value = rng.uniform() + (rng.below(15) == 0 ? 50.0 : 0.0)},
      Component{.name = "cost", .value = rng.uniform() - (rng.below(15) == 0 ? 50.0 : 0.0)}};
  const std::string source = rng.below(3) == 0 ? "loud" : "s" + std::to_string(rng.below(9));
  if (rng.below(8) != 0) {
    ASSERT_EQ(engine.outcome(decision.id, parts, {.source = source}), Errc::ok);
  }
}

TEST(ScreeningRecovery, AReopenedEngineEqualsOneThatWasNeverStopped) {
  const Place left;
  const Place right{std::make_shared<SharedJournal::Store>(), left.clock};
  Engine straight = open(screened("pump"), left);
  test::expect_restarts_unseen(straight, left, 900, [&] { return open(screened("pump"), right); }, round);
  const ScreeningMetrics seen = straight.metrics().points.at(0).screening.value();
  EXPECT_GT(seen.unfamiliar, 10U);
  EXPECT_GT(seen.capped, 10U);
  EXPECT_GT(seen.admitted, 10U);
  EXPECT_GT(seen.screens.at(0).rejected, 10U);
  EXPECT_GT(seen.screens.at(1).clipped, 10U);
  EXPECT_GT(seen.screens.at(2).rejected, 0U);
  EXPECT_GT(seen.screens.at(3).clipped, 0U);
  EXPECT_EQ(static_cast<int>(straight.state()[4]), 5);

  // Every decision can be made again, bit for bit, with its reason and its propensity.
  std::uint64_t number = 0;
  int unfamiliar = 0;
  test::expect_derived(
      left.store, 30,
      [&](const DecisionRecord& record) {
        return record.reason == ChoiceReason::unfamiliar || ++number % 23 == 0;
      },
      [&](const Derivation& derived) { unfamiliar += derived.reason == ChoiceReason::unfamiliar ? 1 : 0; });
  EXPECT_GT(unfamiliar, 5);
}

TEST(ScreeningRecovery, ThreadModeAndPumpModeMakeTheSameState) {
  const Place place;
  Bytes threaded;
  {
    Engine engine = open(screened("threads"), place);
    threaded = test::state_after_callers(engine, place, 300, round);
    EXPECT_GT(engine.metrics().points.at(0).screening->unfamiliar, 0U);
  }
  EXPECT_EQ(open(screened("pump"), place).state(), threaded);
}

TEST(ScreeningRecovery, WhatIsAnotherOneNowBeginsAnewAndTheRestGoesOn) {
  const Place place;
  const std::string hampel = R"({"watch":"component","component":"reward","detector":{"type":"hampel"}})";
  const std::string cost = R"({"watch":"component","component":"cost","detector":{"type":"iqr"}})";
  {
    Engine engine =
        open(screened("pump", R"("contexts":{},"outcomes":[)" + hampel + "," + cost + "]"), place);
    ASSERT_NO_FATAL_FAILURE(play(engine, 3, 90, round));
  }
  {
    const std::string other = R"({"watch":"component","component":"cost","detector":{"type":"z_score"}})";
    const Engine engine = open(
        screened("pump", R"("contexts":{"action":"fall_back"},"outcomes":[)" + other + "," + hampel + "]"),
        place);
    const ScreeningMetrics seen = engine.metrics().points.at(0).screening.value();
    EXPECT_EQ(seen.familiar + seen.unfamiliar, 90U) << "the action is no part of what was seen";
    EXPECT_EQ(seen.screens.at(0).values, 0U);
    EXPECT_GT(seen.screens.at(1).values, 60U);
  }
  {
    const Engine engine = open(screened("pump", R"("contexts":{"detector":{"level":0.01}})"), place);
    EXPECT_EQ(engine.metrics().points.at(0).screening->familiar, 0U);
  }
  const Engine engine = open(screened("pump", ""), place);
  EXPECT_FALSE(engine.metrics().points.at(0).screening.has_value());
  EXPECT_EQ(static_cast<int>(engine.state()[4]), 3) << "without any, the state is of the version that it was";
}

TEST(ScreeningRecovery, AStoreFromBeforeScreeningIsTakenOver) {
  const Place place;
  {
    Engine engine = open(screened("pump", "", R"(,"drift":[{"watch":"reward"}])"), place);
    ASSERT_NO_FATAL_FAILURE(play(engine, 3, 90, round));
    EXPECT_EQ(static_cast<int>(engine.state()[4]), 4);
  }
  Engine engine = open(screened("pump", kAll, R"(,"drift":[{"watch":"reward"}])"), place);
  EXPECT_EQ(engine.metrics().points.at(0).screening->familiar, 0U);
  EXPECT_GT(engine.metrics().points.at(0).drift.at(0).values, 40U);
  ASSERT_NO_FATAL_FAILURE(play(engine, 4, 50, round));
  EXPECT_EQ(
      engine.metrics().points.at(0).screening->familiar + engine.metrics().points.at(0).screening->unfamiliar,
      50U);
}

struct Saved {
  Place place;
  Bytes state;
  std::size_t begins = 0;  ///< of the bytes that screening adds
};

Saved saved() {
  Saved out;
  Engine engine = open(screened("pump"), out.place);
  play(engine, 5, 150, round);
  out.state = engine.state();
  // The screening begins with the options of its watch of contexts.
  const std::string_view text(reinterpret_cast<const char*>(out.state.data()), out.state.size());
  out.begins = text.find(R"("dimension":2)");
  EXPECT_NE(out.begins, std::string_view::npos);
  return out;
}

Result<Engine> reopen(const Saved& saved, const Bytes& state) {
  return test::reopen_with(screened("pump"), saved.place, state);
}

TEST(ScreeningRecovery, ADamagedStateIsRefusedOrHarmless) {
  const Saved good = saved();
  test::expect_damage_refused_or_harmless(screened("pump"), good.place, good.state, good.begins, 67, round);
}

TEST(ScreeningRecovery, HugeLengthsAndNumbersThatAreNoneAreRefused) {
  const Saved good = saved();
  int refused = 0;
  for (std::size_t at = good.begins; at + 8 <= good.state.size(); at += 41) {
    for (const std::uint64_t word : {std::uint64_t{0x7FF8'0000'0000'0000},
                                     std::numeric_limits<std::uint64_t>::max(), std::uint64_t{1} << 40U}) {
      Bytes damaged = good.state;
      std::memcpy(damaged.data() + at, &word, sizeof word);
      const Result<Engine> engine = reopen(good, damaged);  // no crash, no memory without end
      refused += engine ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 50);
  for (std::size_t size = good.begins; size < good.state.size(); size += 97) {
    const Bytes cut(good.state.begin(), good.state.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(reopen(good, cut)) << size;
  }
}

}  // namespace
}  // namespace attune::screening_recovery_test
