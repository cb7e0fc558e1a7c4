// SPDX-License-Identifier: Apache-2.0
// The state of an engine is the fold of its journal: however it was run, stopped and opened again.
#include <attune/engine/engine.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/durable/traffic.hpp"
#include "tests/support/shared_journal.hpp"

namespace attune::engine_recovery_test {
namespace {

using test::config;
using test::open;
using test::SharedJournal;
using test::Traffic;

TEST(Recovery, AReopenedEngineEqualsOneThatWasNeverStopped) {
  const auto straight_clock = std::make_shared<ManualClock>();
  const auto straight_store = std::make_shared<SharedJournal::Store>();
  Engine straight = open(config("pump", 300), straight_store, straight_clock);
  const auto clock = std::make_shared<ManualClock>();
  const auto store = std::make_shared<SharedJournal::Store>();
  auto stopped = std::make_unique<Engine>(open(config("pump", 300), store, clock));
  Traffic left(1);
  Traffic right(1);
  for (int i = 0; i < 400; ++i) {
    left.round(straight);
    right.round(*stopped);
    ASSERT_TRUE(straight.pump());
    ASSERT_TRUE(stopped->pump());
    // Before time moves on: an engine that closes writes the ticks that are due, and then has other records.
    if (i % 37 == 36) {
      ASSERT_EQ(straight.state(), stopped->state()) << i;
      stopped.reset();
      stopped = std::make_unique<Engine>(open(config("pump", 300), store, clock));
      ASSERT_EQ(straight.state(), stopped->state()) << i;
    }
    straight_clock->advance(kSecond);
    clock->advance(kSecond);
  }
  EXPECT_EQ(straight.state(), stopped->state());
  EXPECT_FALSE(store->journal->checkpoints().value().empty());
  EXPECT_LE(store->journal->checkpoints().value().size(), 3U);
}

TEST(Recovery, ReplayFromTheFirstRecordEqualsReplayFromACheckpoint) {
  const auto clock = std::make_shared<ManualClock>();
  const auto store = std::make_shared<SharedJournal::Store>();
  {
    Engine engine = open(config("pump"), store, clock);
    Traffic traffic(2);
    for (int i = 0; i < 150; ++i) {
      traffic.round(engine);
      ASSERT_TRUE(engine.pump());
      clock->advance(kSecond);
    }
  }
  const Bytes replayed = open(config("pump"), store, clock).state();  // no checkpoint yet: all records
  {
    Engine engine = open(config("pump"), store, clock);
    ASSERT_TRUE(engine.checkpoint());
  }
  Engine restored = open(config("pump"), store, clock);
  EXPECT_EQ(restored.state(), replayed);
  ASSERT_FALSE(restored.recovery_notes().empty());
  EXPECT_NE(restored.recovery_notes().front().find("checkpoint 1"), std::string::npos);
}

TEST(Recovery, ThreadModeAndPumpModeMakeTheSameStateOfTheSameJournal) {
  const auto clock = std::make_shared<ManualClock>();
  const auto store = std::make_shared<SharedJournal::Store>();
  Bytes threaded;
  {
    Engine engine = open(config("threads", 500), store, clock);
    std::vector<std::thread> callers;
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      callers.emplace_back([&engine, &clock, seed] {
        Traffic traffic(100 + seed);
        for (int i = 0; i < 100; ++i) {
          traffic.round(engine, false);
          clock->advance(kSecond / 4);
        }
      });
    }
    for (std::thread& caller : callers) {
      caller.join();
    }
    ASSERT_TRUE(engine.drain());
    threaded = engine.state();
  }
  Engine pumped = open(config("pump"), store, clock);
  EXPECT_EQ(pumped.state(), threaded);

  // And from the first record, without any checkpoint: a journal that only has the records.
  const auto bare = std::make_shared<SharedJournal::Store>();
  std::vector<std::vector<std::uint64_t>> copies;
  ASSERT_TRUE(store->journal->read(1, [&](ByteView record) {
    std::vector<std::uint64_t>& copy = copies.emplace_back(record.size() / 8);
    std::ranges::copy(record, std::as_writable_bytes(std::span(copy)).begin());
    return true;
  }));
  std::vector<ByteView> views;
  for (const std::vector<std::uint64_t>& copy : copies) {
    views.push_back(std::as_bytes(std::span(copy)));
  }
  ASSERT_TRUE(bare->journal->append(views));
  EXPECT_EQ(open(config("pump"), bare, clock).state(), threaded);
}

TEST(Recovery, AnArmNewInTheConfigurationIsAddedByARecord) {
  const auto clock = std::make_shared<ManualClock>();
  const auto store = std::make_shared<SharedJournal::Store>();
  const auto text = [](const std::string& arms) {
    return R"({"seed":1,"node":"n","points":{"p":{"policy":{"type":"ucb1"},"arms":[)" + arms + "]}}}";
  };
  {
    Engine engine = open(text(R"("a","b")"), store, clock);
    Decision decision;
    ASSERT_EQ(engine.decide(engine.point("p").value(), {}, {}, decision), Errc::ok);
    ASSERT_TRUE(engine.pump());
  }
  Engine engine = open(text(R"("a","b","c")"), store, clock);
  EXPECT_EQ(engine.metrics().points.at(0).arms, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(engine.metrics().points.at(0).decisions, 1U);
}

TEST(Recovery, AnotherPolicyContextOrSeedIsRefusedBySentence) {
  const auto clock = std::make_shared<ManualClock>();
  const auto store = std::make_shared<SharedJournal::Store>();
  const auto text = [](const std::string& policy, const std::string& seed) {
    return R"({"seed":)" + seed + R"(,"node":"n","points":{"p":{"policy":{"type":")" + policy +
           R"("},"arms":["a","b"]}}})";
  };
  const auto refusal = [&](const std::string& config_text) {
    const Result<Engine> engine =
        Engine::open(config_text, {.clock = clock,
                                   .journal = std::make_unique<SharedJournal>(store),
                                   .credit_functions = {},
                                   .log = {}});
    return engine ? std::string() : engine.error().message;
  };
  {
    Engine engine = open(text("ucb1", "1"), store, clock);
    Decision decision;
    ASSERT_EQ(engine.decide(engine.point("p").value(), {}, {}, decision), Errc::ok);
    ASSERT_TRUE(engine.checkpoint());
  }
  EXPECT_NE(refusal(text("ucb1", "2")).find("seed = 2"), std::string::npos);
  EXPECT_NE(refusal(text("thompson_beta", "1")).find("ucb1"), std::string::npos);
}

TEST(Recovery, AnEngineThatAnotherReplacesLosesNothingThatWasQueued) {
  const auto clock = std::make_shared<ManualClock>();
  const auto first = std::make_shared<SharedJournal::Store>();
  const auto second = std::make_shared<SharedJournal::Store>();
  Engine engine = open(config("pump"), first, clock);
  Traffic(1).round(engine);
  EXPECT_EQ(first->journal->last_position(), 0U);
  engine = open(config("pump"), second, clock);
  EXPECT_GT(first->journal->last_position(), 0U);
  EXPECT_EQ(second->journal->last_position(), 0U);
  Traffic(1).round(engine);
  ASSERT_TRUE(engine.pump());
  EXPECT_EQ(second->journal->last_position(), first->journal->last_position());
}

TEST(Recovery, AFailingStoreStopsNothingAndCatchesUp) {
  for (const std::string mode : {"pump", "threads"}) {
    const auto clock = std::make_shared<ManualClock>();
    const auto store = std::make_shared<SharedJournal::Store>();
    Bytes state;
    {
      Engine engine = open(config(mode), store, clock);
      Traffic traffic(5);
      traffic.round(engine, false);
      ASSERT_TRUE(engine.drain());
      const std::uint64_t durable = engine.metrics().durable_position;
      EXPECT_EQ(durable, engine.metrics().position);
      if (mode == "pump") {  // the thread mode's journal thread reads the flag: it is set between its commits
                             // only here
        store->fail_appends = true;
        traffic.round(engine, false);
        EXPECT_EQ(engine.pump().error().code, Errc::io);
        traffic.round(engine, false);
        const EngineMetrics metrics = engine.metrics();
        EXPECT_EQ(metrics.durable_position, durable);
        EXPECT_GT(metrics.position, durable);
        EXPECT_EQ(metrics.store_error, "database or disk is full");
        store->fail_appends = false;
      }
      ASSERT_TRUE(engine.drain());
      EXPECT_EQ(engine.metrics().durable_position, engine.metrics().position);
      EXPECT_EQ(engine.metrics().store_error, "");
      state = engine.state();
    }
    EXPECT_EQ(open(config(mode), store, clock).state(), state);
  }
}

}  // namespace
}  // namespace attune::engine_recovery_test
