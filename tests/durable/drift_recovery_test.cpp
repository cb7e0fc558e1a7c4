// SPDX-License-Identifier: Apache-2.0
// Drift watches are a part of the fold: after restarts, in both modes and in replays they are the same.
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/engine/engine.hpp>
#include <attune/engine/replay.hpp>

#include "tests/support/shared_journal.hpp"

namespace attune::drift_recovery_test {
namespace {

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

Engine open(const std::string& config, const std::shared_ptr<SharedJournal::Store>& store,
            const std::shared_ptr<ManualClock>& clock, std::vector<std::uint64_t>* retrained = nullptr) {
  EngineOptions options;
  options.clock = clock;
  options.journal = std::make_unique<SharedJournal>(store);
  if (retrained != nullptr) {
    options.retrain = [retrained](std::string_view, std::string_view, std::uint64_t position) {
      retrained->push_back(position);
    };
  }
  Result<Engine> engine = Engine::open(config, std::move(options));
  EXPECT_TRUE(engine) << engine.error().message;
  return std::move(*engine);
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

void change_arms(Engine& engine, int i) {
  const PointId point = engine.point("p").value();
  if (i % 200 == 150) {
    ASSERT_TRUE(engine.remove_arm(point, "c"));
  } else if (i % 200 == 170) {
    ASSERT_TRUE(engine.add_arm(point, "c"));
  }
}

TEST(DriftRecovery, AReopenedEngineEqualsOneThatWasNeverStopped) {
  const auto clock = std::make_shared<ManualClock>();
  const auto left_store = std::make_shared<SharedJournal::Store>();
  const auto store = std::make_shared<SharedJournal::Store>();
  std::vector<std::uint64_t> left_trained;
  std::vector<std::uint64_t> trained;
  Engine straight = open(watched("pump"), left_store, clock, &left_trained);
  auto stopped = std::make_unique<Engine>(open(watched("pump"), store, clock, &trained));
  Rng left(1, 0, 0, 0);
  Rng right(1, 0, 0, 0);
  for (int i = 0; i < 1200; ++i) {
    ASSERT_NO_FATAL_FAILURE(round(straight, left, i));
    ASSERT_NO_FATAL_FAILURE(round(*stopped, right, i));
    ASSERT_NO_FATAL_FAILURE(change_arms(straight, i));
    ASSERT_NO_FATAL_FAILURE(change_arms(*stopped, i));
    ASSERT_TRUE(straight.pump());
    ASSERT_TRUE(stopped->pump());
    if (i % 37 == 36) {
      ASSERT_EQ(straight.state(), stopped->state()) << i;
      stopped.reset();
      stopped = std::make_unique<Engine>(open(watched("pump"), store, clock, &trained));
      ASSERT_EQ(straight.state(), stopped->state()) << i;
      ASSERT_EQ(straight.health().reasons.size(), stopped->health().reasons.size()) << i;
    }
    clock->advance(kSecond);
  }
  // It went everywhere: each watch has acted, and what was replayed was not retrained again.
  for (const DriftMetrics& watch : straight.metrics().points.at(0).drift) {
    EXPECT_GT(watch.drifts, 0U) << watch.name;
    for (const auto& [action, count] : watch.actions) {
      EXPECT_GT(count, 0U) << watch.name << " " << action;
    }
  }
  EXPECT_FALSE(trained.empty());
  EXPECT_EQ(trained, left_trained);

  // Every decision can be made again, bit for bit, with its reason and its propensity.
  SharedJournal journal(left_store);
  Result<Replay> replay = Replay::open(replay_source(journal));
  ASSERT_TRUE(replay) << replay.error().message;
  int boosted = 0;
  std::vector<std::uint64_t> decisions;
  ASSERT_TRUE(journal.read(1, [&](ByteView record) {
    RecordHeader header;
    static_cast<void>(read_header(record, header));
    if (header.kind == RecordKind::decision && header.position % 29 == 0) {
      decisions.push_back(header.position);
    }
    return true;
  }));
  EXPECT_GT(decisions.size(), 20U);
  for (const std::uint64_t position : decisions) {
    const Result<Derivation> derived = replay->derive(position);
    ASSERT_TRUE(derived) << derived.error().message;
    ASSERT_TRUE(derived->equal()) << position << ": " << derived->differences.front();
    boosted += derived->reason == ChoiceReason::drift ? 1 : 0;
  }
  EXPECT_GT(boosted, 0);
}

TEST(DriftRecovery, ThreadModeAndPumpModeMakeTheSameState) {
  const auto clock = std::make_shared<ManualClock>();
  const auto store = std::make_shared<SharedJournal::Store>();
  Bytes threaded;
  {
    Engine engine = open(watched("threads"), store, clock);
    std::vector<std::thread> callers;
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      callers.emplace_back([&engine, &clock, seed] {
        Rng rng(100 + seed, 0, 0, 0);
        for (int i = 0; i < 400; ++i) {
          round(engine, rng, i);
          clock->advance(kSecond / 4);
        }
      });
    }
    for (std::thread& caller : callers) {
      caller.join();
    }
    ASSERT_TRUE(engine.drain());
    threaded = engine.state();
    EXPECT_GT(engine.metrics().points.at(0).drift.at(1).drifts, 0U);
  }
  EXPECT_EQ(open(watched("pump"), store, clock).state(), threaded);
}

TEST(DriftRecovery, AWatchThatIsAnotherOneNowBeginsAnewAndTheOthersGoOn) {
  const auto clock = std::make_shared<ManualClock>();
  const auto store = std::make_shared<SharedJournal::Store>();
  {
    Engine engine =
        open(watched("pump", R"({"watch":"reward"},{"watch":"component","component":"cost"})"), store, clock);
    Rng rng(3, 0, 0, 0);
    for (int i = 0; i < 90; ++i) {
      round(engine, rng, i);
      ASSERT_TRUE(engine.pump());
    }
    EXPECT_GT(engine.metrics().points.at(0).drift.at(0).values, 60U);
  }
  const Engine engine = open(
      watched("pump",
              R"({"watch":"component","component":"cost"},{"watch":"reward","detector":{"type":"cusum"}})"),
      store, clock);
  const std::vector<DriftMetrics> drift = engine.metrics().points.at(0).drift;
  EXPECT_GT(drift.at(0).values, 60U);
  EXPECT_EQ(drift.at(1).values, 0U);
  // Without any, the state is of the version that it always was.
  EXPECT_EQ(static_cast<int>(engine.state()[4]), 4);
  const auto plain = std::make_shared<SharedJournal::Store>();
  EXPECT_EQ(
      static_cast<int>(open(R"({"seed":1,"points":{"p":{"policy":{"type":"ucb1"},"arms":["a"],"drift":[]}}})",
                            plain, clock)
                           .state()[4]),
      2);
}

// Each byte of the state is damaged in turn: what is read must be refused, or be a state that can be folded
// on.
TEST(DriftRecovery, ADamagedStateIsRefusedOrHarmless) {
  const auto clock = std::make_shared<ManualClock>();
  const auto store = std::make_shared<SharedJournal::Store>();
  Bytes state;
  {
    Engine engine = open(watched("pump"), store, clock);
    Rng rng(5, 0, 0, 0);
    for (int i = 0; i < 150; ++i) {
      round(engine, rng, i);
      ASSERT_TRUE(engine.pump());
    }
    state = engine.state();
  }
  int refused = 0;
  int taken = 0;
  for (std::size_t at = 20; at < state.size(); at += 61) {
    for (const unsigned flip : {0x01U, 0x80U}) {
      Bytes damaged = state;
      damaged[at] ^= static_cast<std::byte>(flip);
      const auto other = std::make_shared<SharedJournal::Store>();
      SharedJournal journal(other);
      std::vector<Bytes> records;
      ASSERT_TRUE(store->journal->read(1, [&](ByteView record) {
        records.emplace_back(record.begin(), record.end());
        return true;
      }));
      std::vector<ByteView> views(records.begin(), records.end());
      ASSERT_TRUE(journal.append(views, damaged, clock->now(), "", 3));
      EngineOptions options;
      options.clock = clock;
      options.journal = std::make_unique<SharedJournal>(other);
      Result<Engine> engine = Engine::open(watched("pump"), std::move(options));
      if (!engine) {
        ++refused;
        EXPECT_FALSE(engine.error().message.empty());
        continue;
      }
      ++taken;
      Rng rng(6, 0, 0, 0);
      for (int i = 0; i < 3; ++i) {
        round(*engine, rng, i);
        ASSERT_TRUE(engine->pump());
      }
    }
  }
  EXPECT_GT(refused, 20);
  EXPECT_GT(taken, 0);
}

}  // namespace
}  // namespace attune::drift_recovery_test
