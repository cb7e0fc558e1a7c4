// SPDX-License-Identifier: Apache-2.0
// What becomes of every outcome, through the engine: each fate is stated (docs/rewards.md), counted, and the
// same after a restart.
#include <attune/engine/engine.hpp>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/durable/scripted_journal.hpp"

namespace attune::fates_test {
namespace {

using test::ScriptedJournal;

class Fates : public ::testing::Test {
 protected:
  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  std::shared_ptr<ScriptedJournal::Disk> disk = std::make_shared<ScriptedJournal::Disk>();

  Engine open(const std::string& reward, const std::string& node = "n") {
    const std::string text = R"({"seed":1,"node":")" + node +
                             R"(","points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b"],"reward":{)" +
                             reward +
                             R"(}},"q":{"policy":{"type":"ucb1"},"arms":["x"],
                                 "reward":{"components":{"other":{}}}}}})";
    return test::open(text, disk, clock);
  }
  static Uuid decide(Engine& engine, std::string_view point = "p") {
    Decision decision;
    EXPECT_EQ(engine.decide(engine.point(point).value(), {}, {}, decision), Errc::ok) << Engine::last_error();
    return decision.id;
  }
  static std::optional<Fate> report(Engine& engine, const Uuid& id, double value, std::string_view key = {},
                                    std::string_view component = "reward") {
    const std::array<Component, 1> one{Component{.name = component, .value = value}};
    EXPECT_EQ(engine.outcome(id, one, {.key = key}), Errc::ok) << Engine::last_error();
    EXPECT_TRUE(engine.pump());
    return engine.last_fate();
  }
};

TEST_F(Fates, AreAllReachedAndCounted) {
  Engine engine = open(R"("components":{"reward":{},"cost":{}},"join_window_s":10,"max_signals":2)");
  const Uuid first = decide(engine);
  EXPECT_EQ(report(engine, first, 0.5, {}, "cost"), Fate::waiting);
  EXPECT_EQ(report(engine, first, 0.5, {}, "cost"), Fate::duplicate);
  EXPECT_EQ(report(engine, first, 0.7, {}, "cost"), Fate::conflict);
  EXPECT_EQ(report(engine, first, 0.7, {}, "other"), Fate::unknown_component);
  EXPECT_EQ(report(engine, first, 1.0), Fate::learned);
  EXPECT_EQ(report(engine, first, 1.0), Fate::duplicate);
  EXPECT_EQ(report(engine, first, 1.0, "again"), Fate::late);
  const Uuid full = decide(engine);
  EXPECT_EQ(report(engine, full, 1.0, "k1", "cost"), Fate::waiting);
  EXPECT_EQ(report(engine, full, 1.0, "k2", "cost"), Fate::waiting);
  EXPECT_EQ(report(engine, full, 1.0, "k3", "cost"), Fate::too_many);
  const Uuid expired = decide(engine);
  clock->advance(10 * kSecond);
  EXPECT_EQ(report(engine, expired, 1.0), Fate::late);
  const CollectorCounters counters = engine.metrics().points.at(0).rewards;
  EXPECT_EQ(counters.outcomes, 11U);
  EXPECT_EQ(counters.learned, 1U);
  EXPECT_EQ(counters.duplicate, 2U);
  EXPECT_EQ(counters.conflict, 1U);
  EXPECT_EQ(counters.unknown_component, 1U);
  EXPECT_EQ(counters.late, 2U);
  EXPECT_EQ(counters.too_many, 1U);
  EXPECT_EQ(counters.silent, 2U);  // `full` never had its reward, `expired` came too late
}

TEST_F(Fates, AnExpiredDecisionMayStillBeLearnedByRule) {
  Engine engine = open(R"("join_window_s":10,"late":"learn")");
  const Uuid id = decide(engine);
  clock->advance(11 * kSecond);
  EXPECT_EQ(report(engine, id, 1.0), Fate::learned_late);
  EXPECT_EQ(report(engine, id, 1.0), Fate::duplicate);
}

TEST_F(Fates, ForeignIdsAreRefusedOrCountedAndChangeNothing) {
  Engine engine = open(R"("max_closed":5)");
  disk = std::make_shared<ScriptedJournal::Disk>();
  Engine other = open("", "another node");
  std::uint64_t at_the_door = 0;
  std::uint64_t folded = 0;
  const Result<Description> before = engine.describe(engine.point("p").value());
  const std::array<Component, 1> one{Component{.name = "reward", .value = 1.0}};
  for (int i = 0; i < 20'000; ++i) {
    const Uuid id = decide(other);
    const Errc verdict = engine.outcome(id, one);
    if (verdict == Errc::ok) {
      ASSERT_TRUE(engine.pump());
      const std::optional<Fate> fate = engine.last_fate();
      ASSERT_TRUE(fate == Fate::foreign || fate == Fate::unknown_component) << static_cast<int>(*fate);
      ++folded;
    } else {
      ASSERT_EQ(verdict, Errc::unknown_decision);
      ++at_the_door;
    }
    ASSERT_TRUE(i % 100 != 0 || other.pump());
  }
  // Two points of 4,096: 9.8 of 20,000 pass the door on average; none at all would be one in 17,000.
  EXPECT_GT(folded, 0U);
  const EngineMetrics metrics = engine.metrics();
  EXPECT_EQ(metrics.outcomes_foreign, at_the_door);
  EXPECT_EQ(metrics.points.at(0).foreign + metrics.points.at(1).foreign, folded);
  EXPECT_EQ(metrics.points.at(0).rewards.unknown_decision + metrics.points.at(1).rewards.unknown_decision,
            folded);
  EXPECT_EQ(engine.describe(engine.point("p").value())->rows, before->rows);
}

TEST_F(Fates, OutcomesOfDecisionsThatWereLostBeforeTheirCommitAreEarly) {
  Uuid lost;
  {
    Engine engine = open("");
    decide(engine);
    ASSERT_TRUE(engine.pump());
    disk->full = true;
    lost = decide(engine);  // answered, and gone with the process
  }
  disk->full = false;
  clock->advance(kSecond);
  Engine engine = open("");
  EXPECT_EQ(report(engine, lost, 1.0), Fate::early);
  const Uuid next = decide(engine);  // takes the same number: another id
  EXPECT_NE(next, lost);
  EXPECT_EQ(report(engine, lost, 1.0), Fate::unknown_decision);
  EXPECT_EQ(report(engine, next, 0.25), Fate::learned);
  const PointMetrics metrics = engine.metrics().points.at(0);
  EXPECT_EQ(metrics.early, 1U);
  EXPECT_EQ(metrics.rewards.unknown_decision, 2U);
  EXPECT_EQ(metrics.rewards.reward_sum, 0.25);
}

TEST_F(Fates, ADecisionThatWasForgottenIsNeverLearnedAgain) {
  const std::string small = R"("max_pending":4,"max_closed":3)";
  std::vector<Uuid> ids;
  Bytes state;
  {
    Engine engine = open(small);
    for (int i = 0; i < 40; ++i) {
      ids.push_back(decide(engine));
      if (i % 4 != 3) {  // some are closed early because others came
        ASSERT_TRUE(engine.pump());
        EXPECT_EQ(report(engine, ids.back(), 1.0, "k" + std::to_string(i)), Fate::learned);
      }
    }
    ASSERT_TRUE(engine.pump());
    state = engine.state();
  }
  std::uint64_t learned = 0;
  for (int restart = 0; restart < 3; ++restart) {
    Engine engine = open(small);
    if (restart == 0) {
      EXPECT_EQ(engine.state(), state);
      learned = engine.metrics().points.at(0).rewards.learned;
    }
    const Result<Description> before = engine.describe(engine.point("p").value());
    for (std::size_t i = 0; i + 20 < ids.size(); ++i) {  // the last ones are remembered or awaited
      EXPECT_EQ(report(engine, ids[i], 1.0, "k" + std::to_string(i)), Fate::unknown_decision);
      EXPECT_EQ(report(engine, ids[i], 1.0), Fate::unknown_decision);
      EXPECT_EQ(report(engine, ids[i], 0.5, "new"), Fate::unknown_decision);
    }
    EXPECT_EQ(engine.describe(engine.point("p").value())->rows, before->rows);
    EXPECT_EQ(engine.metrics().points.at(0).rewards.learned, learned);
    EXPECT_EQ(engine.metrics().points.at(0).foreign, 0U);
    if (restart == 1) {
      ASSERT_TRUE(engine.checkpoint());
    }
  }
}

TEST_F(Fates, KeysHoldOverARestart) {
  Uuid id;
  {
    Engine engine =
        open(R"("components":{"reward":{"aggregate":"sum"}},"closing":"window","join_window_s":100)");
    id = decide(engine);
    EXPECT_EQ(report(engine, id, 1.0, "e1"), Fate::waiting);
  }
  for (int restart = 0; restart < 2; ++restart) {
    Engine engine =
        open(R"("components":{"reward":{"aggregate":"sum"}},"closing":"window","join_window_s":100)");
    EXPECT_EQ(report(engine, id, 1.0, "e1"), Fate::duplicate);
    EXPECT_EQ(report(engine, id, 2.0, "e1"), Fate::conflict);
    ASSERT_TRUE(engine.checkpoint());
  }
}

}  // namespace
}  // namespace attune::fates_test
