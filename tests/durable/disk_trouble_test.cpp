// SPDX-License-Identifier: Apache-2.0
// A disk that refuses, stalls, or fails after the commit: decisions go on, nothing is acknowledged that is
// not durable, and it recovers by itself.
#include <attune/engine/engine.hpp>

#include <algorithm>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/durable/scripted_journal.hpp"

namespace attune::disk_trouble_test {
namespace {

using test::ScriptedJournal;
using Level = EngineHealth::Level;

class DiskTrouble : public ::testing::Test {
 protected:
  std::string mode = "pump";
  static constexpr std::uint64_t kRingBytes = 65536;  // room for some 500 decisions
  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  std::shared_ptr<ScriptedJournal::Disk> disk = std::make_shared<ScriptedJournal::Disk>();

  [[nodiscard]] bool threads() const { return mode == "threads"; }
  Engine open(const std::string& checkpoint = R"("every_s":0,"every_records":0)") {
    const std::string text = R"({"seed":1,"node":"n","mode":")" + mode +
                             R"(","queue":{"bytes":65536},"checkpoint":{)" + checkpoint +
                             R"(},"points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b"]}}})";
    return test::open(text, disk, clock);
  }
  /// Decides so often; ids of those that were recorded.
  static std::set<Uuid> decide(Engine& engine, int times) {
    std::set<Uuid> recorded;
    Decision decision;
    for (int i = 0; i < times; ++i) {
      const Errc verdict = engine.decide(static_cast<PointId>(0), {}, {}, decision);
      EXPECT_TRUE(verdict == Errc::ok || verdict == Errc::queue_full) << Engine::last_error();
      EXPECT_FALSE(decision.arm.view().empty());  // there is always an answer
      EXPECT_EQ(decision.id.is_nil(), verdict != Errc::ok);
      if (verdict == Errc::ok) {
        recorded.insert(decision.id);
      }
    }
    return recorded;
  }
  void expect_exactly(const std::set<Uuid>& recorded) const {
    const std::map<Uuid, int> stored = disk->decisions();
    EXPECT_EQ(stored.size(), recorded.size());
    for (const Uuid& id : recorded) {
      const auto found = stored.find(id);
      ASSERT_NE(found, stored.end()) << "lost: " << id.to_string();
      EXPECT_EQ(found->second, 1) << id.to_string();
    }
  }
  static void drain(Engine& engine) {
    while (!engine.drain()) {
      std::this_thread::yield();
    }
  }
};

class DiskTroubleInBothModes : public DiskTrouble, public ::testing::WithParamInterface<std::string> {
 protected:
  DiskTroubleInBothModes() { mode = GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(Modes, DiskTroubleInBothModes, ::testing::Values("pump", "threads"),
                         [](const auto& tested) { return tested.param; });

TEST_P(DiskTroubleInBothModes, AFullDiskHoldsUpNoDecisionAndLosesNothingThatWasQueued) {
  Engine engine = open();
  std::set<Uuid> recorded = decide(engine, 10);
  drain(engine);
  disk->full = true;
  recorded.merge(decide(engine, 5'000));
  const EngineMetrics metrics = engine.metrics();
  EXPECT_GT(metrics.queue_shed, 0U);
  EXPECT_EQ(recorded.size() + metrics.queue_shed, 5'010U);
  EXPECT_EQ(metrics.durable_position, 10U);
  EXPECT_EQ(metrics.queue_blocked, 1U);  // somebody waited for room once; the trouble was known then
  const EngineHealth health = engine.health();
  EXPECT_EQ(health.level, Level::failing);
  EXPECT_EQ(health.since, clock->now());
  ASSERT_FALSE(health.reasons.empty());
  EXPECT_NE(health.reasons.front().sentence.find("disk is full"), std::string::npos);
  disk->full = false;
  drain(engine);
  recorded.merge(decide(engine, 10));
  drain(engine);
  expect_exactly(recorded);
  EXPECT_EQ(engine.health().level, Level::degraded);  // what was shed is still news
  clock->advance(61 * kSecond);
  EXPECT_EQ(engine.health().level, Level::ok);
  EXPECT_EQ(engine.metrics().store_error, "");
}

TEST_F(DiskTrouble, AfterARefusalPumpModeTriesAgainOnlyAfterAPause) {
  Engine engine = open();
  disk->full = true;
  decide(engine, 5'000);
  const std::uint64_t tries = disk->appends;
  EXPECT_EQ(tries, 1U);
  clock->advance(kSecond / 50);
  decide(engine, 5'000);
  EXPECT_EQ(disk->appends, tries + 1);
  clock->advance(kSecond / 100);  // the pause has doubled
  decide(engine, 5'000);
  EXPECT_EQ(disk->appends, tries + 1);
  disk->full = false;
  ASSERT_TRUE(engine.pump());  // asked for: at once
  EXPECT_EQ(decide(engine, 100).size(), 100U);
}

TEST_F(DiskTrouble, AStallHoldsUpOneDecisionForAMomentAndNoneAfterIt) {
  mode = "threads";
  Engine engine = open();
  std::set<Uuid> recorded = decide(engine, 1);
  drain(engine);
  disk->stall();
  recorded.merge(decide(engine, 1));
  disk->wait_until_held();
  EXPECT_EQ(engine.health().level, Level::ok);
  clock->advance(2 * kSecond);
  EXPECT_EQ(engine.health().level, Level::degraded);
  recorded.merge(decide(engine, 5'000));
  const EngineMetrics metrics = engine.metrics();
  EXPECT_EQ(metrics.queue_blocked, 1U);  // one wait of 10 ms; the stall is known then
  EXPECT_EQ(recorded.size() + metrics.queue_shed, 5'002U);
  clock->advance(4 * kSecond);
  const EngineHealth health = engine.health();
  EXPECT_EQ(health.level, Level::failing);
  EXPECT_NE(health.reasons.front().sentence.find("for 6 s"), std::string::npos)
      << health.reasons.front().sentence;
  EXPECT_EQ(health.since, clock->now() - 6 * kSecond);
  disk->release();
  drain(engine);
  recorded.merge(decide(engine, 100));
  drain(engine);
  expect_exactly(recorded);
  clock->advance(61 * kSecond);
  EXPECT_EQ(engine.health().level, Level::ok);
}

TEST_F(DiskTrouble, EachStallMayHoldUpOneDecision) {
  mode = "threads";
  Engine engine = open();
  for (std::uint64_t stalls = 1; stalls <= 3; ++stalls) {
    disk->stall();
    decide(engine, 2'000);
    EXPECT_EQ(engine.metrics().queue_blocked, stalls);
    disk->release();
    drain(engine);
  }
}

TEST_P(DiskTroubleInBothModes, AnErrorAfterTheCommitDoublesNothing) {
  Bytes state;
  std::set<Uuid> recorded;
  {
    Engine engine = open();
    for (int round = 0; round < 20; ++round) {
      disk->fail_after_commit = round % 3;
      recorded.merge(decide(engine, 7));
      drain(engine);
      EXPECT_EQ(engine.metrics().durable_position, engine.metrics().position);
    }
    disk->fail_after_commit = 0;
    state = engine.state();
  }
  expect_exactly(recorded);
  EXPECT_EQ(open().state(), state);
}

TEST_P(DiskTroubleInBothModes, AStateThatCannotBeStoredKeepsNoRecordOut) {
  Engine engine = open(R"("every_s":0,"every_records":5,"keep":2)");
  disk->refuses_states = true;
  const std::set<Uuid> recorded = decide(engine, 20);
  drain(engine);
  expect_exactly(recorded);
  const Result<std::uint64_t> asked = engine.checkpoint();
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, Errc::io);
  EXPECT_GT(engine.metrics().checkpoint_errors, 0U);
  EXPECT_EQ(engine.metrics().store_error, "");
  EXPECT_EQ(engine.health().level, Level::degraded);
  EXPECT_NE(engine.health().reasons.front().sentence.find("no checkpoint"), std::string::npos);
  disk->refuses_states = false;
  EXPECT_TRUE(engine.checkpoint());
  EXPECT_EQ(engine.health().level, Level::ok);
}

TEST_P(DiskTroubleInBothModes, ACheckpointThatFailsAfterItsCommitLeavesTheRecordsDurable) {
  Engine engine = open();
  const std::set<Uuid> recorded = decide(engine, 5);
  drain(engine);
  disk->fail_after_commit = 1;
  EXPECT_FALSE(engine.checkpoint());
  EXPECT_EQ(engine.metrics().store_error, "");
  const std::set<Uuid> more = decide(engine, 5);
  drain(engine);
  EXPECT_TRUE(engine.checkpoint());
  EXPECT_EQ(disk->decisions().size(), recorded.size() + more.size());
}

TEST_P(DiskTroubleInBothModes, DamageFoundOnOpeningIsNewsUntilThereIsANewCheckpoint) {
  class Skipping final : public test::ScriptedJournal {
   public:
    using ScriptedJournal::ScriptedJournal;
    Result<std::optional<Checkpoint>> newest_checkpoint(std::vector<std::string>* skipped) override {
      skipped->emplace_back("checkpoint 7 does not verify");
      return ScriptedJournal::newest_checkpoint(skipped);
    }
  };
  Engine engine =
      Engine::open(
          R"({"mode":")" + mode + R"(","points":{"p":{"policy":{"type":"ucb1"},"arms":["a"]}}})",
          {.clock = clock, .journal = std::make_unique<Skipping>(disk), .credit_functions = {}, .log = {}})
          .value();
  EXPECT_EQ(engine.health().level, Level::degraded);
  EXPECT_NE(engine.health().reasons.front().sentence.find("checkpoint 7"), std::string::npos);
  ASSERT_TRUE(engine.checkpoint());
  EXPECT_EQ(engine.health().level, Level::ok);
}

TEST_P(DiskTroubleInBothModes, WhatTheJournalHasToSayIsLogged) {
  class Talking final : public test::ScriptedJournal {
   public:
    using ScriptedJournal::ScriptedJournal;
    std::vector<std::string> take_notes() override { return {"note " + std::to_string(++notes_)}; }

   private:
    int notes_ = 0;
  };
  std::mutex mutex;
  std::vector<std::string> said;
  {
    Engine engine =
        Engine::open(R"({"mode":")" + mode + R"(","points":{"p":{"policy":{"type":"ucb1"},"arms":["a"]}}})",
                     {.clock = clock,
                      .journal = std::make_unique<Talking>(disk),
                      .credit_functions = {},
                      .log =
                          [&](int, std::string_view message) {
                            const std::scoped_lock lock(mutex);
                            said.emplace_back(message);
                          }})
            .value();
    static_cast<void>(decide(engine, 1));
    drain(engine);
    EXPECT_EQ(engine.recovery_notes().front(), "note 1");
  }
  EXPECT_EQ(std::ranges::count(said, "note 1"), 1) << "met on opening";
  EXPECT_EQ(std::ranges::count(said, "note 2"), 1) << "met by a commit";
}

}  // namespace
}  // namespace attune::disk_trouble_test
