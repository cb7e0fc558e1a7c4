// SPDX-License-Identifier: Apache-2.0
// Guards and switches are a part of the fold: after restarts, in both modes and in replays they are the same.
#include <attune/engine/engine.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/engine/replay.hpp>
#include <attune/store/admin.hpp>

#include "tests/durable/fold_laws.hpp"
#include "tests/durable/scripted_journal.hpp"
#include "tests/durable/traffic.hpp"
#include "tests/store/store_fixture.hpp"
#include "tests/support/shared_journal.hpp"

namespace attune::safety_recovery_test {
namespace {

using test::SharedJournal;

const Act kOps{.actor = "ops", .time = 0};

/// Everything that has state, so tight that all of it trips again and again.
std::string guarded(std::string_view mode, std::uint64_t every_records = 0, std::string_view more = {}) {
  return R"({"seed":7,"node":"test","mode":")" + std::string(mode) + R"(","client_keys":{"keep":50},)" +
         R"("checkpoint":{"every_s":0,"every_records":)" + std::to_string(every_records) +
         R"(,"keep":3},"points":{"p":{"policy":{"type":"epsilon_greedy","epsilon":0.3},"arms":["a","b","c","d"],
    "reward":{"components":{"reward":{},"latency":{"weight":0},"error":{"weight":0},"cost":{"weight":0}},
              "join_window_s":40},"fallback":"d",
    "safety":{"fallback":{"static":{"a":1,"d":2},"snapshot_every":40},"probation_share":0.2,
      "guards":[
        {"kind":"latency","component":"latency","limit":1.6,"recover":1.5,"min_samples":8,"window":40,"cooldown_s":5,"cooldown_max_s":20},
        {"kind":"rate","component":"error","limit":0.3,"min_samples":5,"window_s":30,"cooldown_s":4},
        {"kind":"budget","component":"cost","limit":9,"period_s":25,"carry_over":0.5},
        {"kind":"share","limit":0.6,"window":30,"min_samples":10},
        {"kind":"quality","component":"reward","per":"point","limit":0.57,"min_samples":10,"window":40,"cooldown_s":6,"cooldown_max_s":12}],
      "exploration":{"max_share":0.25,"alarm_below":0.1,"window":50,"min_trials":5,"floors":{"c":0.03},
                     "conservative":{"baseline":"b","alpha":0.9}}})" +
         std::string(more) + "}}}";
}

class Life {
 public:
  explicit Life(std::uint64_t seed) : rng_(seed) {}

  void round(Engine& engine) {
    const PointId point = engine.point("p").value();
    Decision decision;
    const std::string key = rng_.below(4) == 0 ? "k" + std::to_string(rng_()) : std::string();
    ASSERT_EQ(engine.decide(point, {}, {.client_key = key}, decision), Errc::ok) << Engine::last_error();
    if (!key.empty()) {
      Decision again;
      ASSERT_EQ(engine.decide(point, {}, {.client_key = key}, again), Errc::ok);
      ASSERT_EQ(again.reason, decision.reason);
      ASSERT_EQ(again.rung, decision.rung);
    }
    reasons_ |= 1U << static_cast<unsigned>(decision.reason);
    open_.push_back(decision.id);
    if (open_.size() < 5 || rng_.below(7) == 0) {
      return;
    }
    const std::size_t which = rng_.below(open_.size());
    const std::array<Component, 4> parts{Component{.name = "reward", .value = rng_.uniform()},
                                         Component{.name = "latency", .value = 2.0 * rng_.uniform()},
                                         Component{.name = "error", .value = rng_.below(3) == 0 ? 1.0 : 0.0},
                                         Component{.name = "cost", .value = rng_.uniform()}};
    for (std::uint64_t times = rng_.below(5) == 0 ? 2 : 1; times > 0; --times) {
      ASSERT_EQ(engine.outcome(open_[which], parts), Errc::ok);
    }
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(which));
  }
  [[nodiscard]] unsigned reasons() const { return reasons_; }

 private:
  Rng rng_;
  std::vector<Uuid> open_;
  unsigned reasons_ = 0;
};

void act(Engine& engine, int i) {
  const PointId point = engine.point("p").value();
  if (i % 150 == 100 || i % 150 == 120) {
    ASSERT_TRUE(engine.kill(point, i % 150 == 100, kOps, "drill"));
  }
  if (i % 170 == 60 || i % 170 == 75) {
    ASSERT_TRUE(engine.freeze(point, i % 170 == 60, kOps));
  }
  const PointMetrics now = engine.metrics().points.at(0);
  const bool there = std::ranges::count(now.arms, "c") > 0;
  if (now.safety->frozen) {
    return;  // its arms cannot be changed
  }
  if (i % 110 == 90 && there) {
    ASSERT_TRUE(engine.remove_arm(point, "c"));
  } else if (i % 110 >= 100 && !there) {
    ASSERT_TRUE(engine.add_arm(point, "c"));
  }
}

TEST(SafetyRecovery, AReopenedEngineEqualsOneThatWasNeverStopped) {
  const auto left_clock = std::make_shared<ManualClock>();
  const auto right_clock = std::make_shared<ManualClock>();
  const auto left_store = std::make_shared<SharedJournal::Store>();
  const auto store = std::make_shared<SharedJournal::Store>();
  Engine straight = test::open(guarded("pump", 200), left_store, left_clock);
  auto stopped = std::make_unique<Engine>(test::open(guarded("pump", 200), store, right_clock));
  Life left(1);
  Life right(1);
  for (int i = 0; i < 1500; ++i) {
    left.round(straight);
    right.round(*stopped);
    ASSERT_NO_FATAL_FAILURE(act(straight, i));
    ASSERT_NO_FATAL_FAILURE(act(*stopped, i));
    ASSERT_TRUE(straight.pump());
    ASSERT_TRUE(stopped->pump());
    if (i % 37 == 36) {
      ASSERT_EQ(straight.state(), stopped->state()) << i;
      stopped.reset();
      stopped = std::make_unique<Engine>(test::open(guarded("pump", 200), store, right_clock));
      ASSERT_EQ(straight.state(), stopped->state()) << i;
    }
    left_clock->advance(kSecond);
    right_clock->advance(kSecond);
  }
  // The run went everywhere: all reasons but a policy that fails, and drifts, which are not watched here.
  EXPECT_EQ(left.reasons() | 1U << static_cast<unsigned>(ChoiceReason::policy_failed) |
                1U << static_cast<unsigned>(ChoiceReason::drift) |
                1U << static_cast<unsigned>(ChoiceReason::unfamiliar),
            (1U << kChoiceReasons) - 1);
  EXPECT_EQ(left.reasons(), right.reasons());

  // Every decision can be made again, bit for bit, with its rung, reason and propensity.
  test::expect_derived(left_store, 20, test::every(41), [](const Derivation& derived) {
    double sum = 0.0;
    for (const DerivedArm& arm : derived.arms) {
      sum += arm.probability;
      if (arm.arm == derived.arm) {
        ASSERT_NEAR(arm.probability, derived.propensity, 1e-12);
      }
    }
    ASSERT_NEAR(sum, 1.0, 1e-9) << to_string(derived.reason);
  });
}

TEST(SafetyRecovery, ThreadModeAndPumpModeMakeTheSameState) {
  const auto clock = std::make_shared<ManualClock>();
  const auto store = std::make_shared<SharedJournal::Store>();
  Bytes threaded;
  {
    Engine engine = test::open(guarded("threads", 500), store, clock);
    std::vector<std::thread> callers;
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      callers.emplace_back([&engine, &clock, seed] {
        Life life(100 + seed);
        for (int i = 0; i < 400; ++i) {
          life.round(engine);
          clock->advance(kSecond / 4);
          if (seed == 0 && i % 100 == 50) {
            EXPECT_TRUE(engine.kill(engine.point("p").value(), i % 200 == 50, kOps));
          }
        }
      });
    }
    for (std::thread& caller : callers) {
      caller.join();
    }
    ASSERT_TRUE(engine.drain());
    threaded = engine.state();
    EXPECT_GT(engine.metrics().points.at(0).safety->trips, 5U);
  }
  EXPECT_EQ(test::open(guarded("pump"), store, clock).state(), threaded);
}

TEST(SafetyRecovery, SwitchesHoldOverARestart) {
  for (const bool with_checkpoint : {false, true}) {
    const auto clock = std::make_shared<ManualClock>();
    const auto store = std::make_shared<SharedJournal::Store>();
    {
      Engine engine = test::open(guarded("pump"), store, clock);
      ASSERT_TRUE(engine.kill(engine.point("p").value(), true, kOps, "stop"));
      ASSERT_TRUE(engine.freeze(engine.point("p").value(), true, kOps, "wait"));
      if (with_checkpoint) {
        ASSERT_TRUE(engine.checkpoint());
      }
    }
    for (const char* mode : {"pump", "threads"}) {
      Engine engine = test::open(guarded(mode), store, clock);
      Decision decision;
      ASSERT_EQ(engine.decide(engine.point("p").value(), {}, {}, decision), Errc::ok);
      EXPECT_EQ(decision.reason, ChoiceReason::killed);
      EXPECT_EQ(engine.add_arm(engine.point("p").value(), "z").error().code, Errc::conflict);
      EXPECT_EQ(engine.health().reasons.size(), 2U);
    }
  }
}

TEST(SafetyRecovery, AFrozenPointKeepsItsConfiguration) {
  const auto clock = std::make_shared<ManualClock>();
  const auto store = std::make_shared<SharedJournal::Store>();
  const auto with = [](std::string_view more) {
    return R"({"seed":1,"node":"n","points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b"])" +
           std::string(more) + R"(},"q":{"policy":{"type":"ucb1"},"arms":["x"]}}})";
  };
  const auto open = [&](const std::string& text) {
    return Engine::open(text, {.clock = clock,
                               .journal = std::make_unique<SharedJournal>(store),
                               .credit_functions = {},
                               .log = {}});
  };
  {
    Result<Engine> engine = open(with(""));
    ASSERT_TRUE(engine);
    ASSERT_TRUE(engine->freeze(engine->point("p").value(), true, kOps));
  }
  const Result<Engine> other = open(with(R"(,"fallback":"a")"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::invalid_config);
  EXPECT_NE(other.error().message.find("points.p has changed, but the point is frozen"), std::string::npos);
  {
    Result<Engine> engine = open(with(""));
    ASSERT_TRUE(engine) << engine.error().message;
    ASSERT_TRUE(engine->freeze(engine->point("p").value(), false, kOps));
  }
  EXPECT_TRUE(open(with(R"(,"fallback":"a")")));
}

TEST(SafetyRecovery, GuardsThatTheConfigurationNoLongerHasLetGo) {
  const auto clock = std::make_shared<ManualClock>();
  const auto store = std::make_shared<SharedJournal::Store>();
  const auto with = [](std::string_view safety) {
    return R"({"seed":1,"node":"n","points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b"])" +
           std::string(safety) + "}}}";
  };
  {
    Engine engine = test::open(
        with(R"(,"safety":{"guards":[{"kind":"rate","component":"reward","limit":0.2,"min_samples":5}]})"),
        store, clock);
    for (int i = 0; i < 60; ++i) {
      Decision decision;
      ASSERT_EQ(engine.decide(engine.point("p").value(), {}, {}, decision), Errc::ok);
      ASSERT_EQ(engine.outcome(decision.id, decision.arm == "a" ? 1.0 : 0.0), Errc::ok);
      ASSERT_TRUE(engine.pump());
    }
    ASSERT_EQ(engine.metrics().points.at(0).safety->held_back, 1U);
  }
  Engine engine = test::open(with(""), store, clock);
  int chosen_a = 0;
  for (int i = 0; i < 40; ++i) {
    Decision decision;
    ASSERT_EQ(engine.decide(engine.point("p").value(), {}, {}, decision), Errc::ok);
    chosen_a += decision.arm == "a" ? 1 : 0;
  }
  EXPECT_GT(chosen_a, 0);
  // As any engine that goes on from there.
  const Bytes state = engine.state();
  ASSERT_TRUE(engine.checkpoint());
  EXPECT_FALSE(state.empty());
}

TEST(SafetyRecovery, StatesOfPointsWithoutSafetyAreAsTheyWere) {
  const auto clock = std::make_shared<ManualClock>();
  const auto version = [](const Bytes& state) { return static_cast<int>(state[4]); };
  Engine plain = test::open(test::config("pump"), std::make_shared<SharedJournal::Store>(), clock);
  EXPECT_EQ(version(plain.state()), 2);
  Engine safe = test::open(guarded("pump"), std::make_shared<SharedJournal::Store>(), clock);
  EXPECT_EQ(version(safe.state()), 3);
}

TEST(SafetyRecovery, AKillIsInForceWhileTheDiskFails) {
  const auto clock = std::make_shared<ManualClock>();
  const auto disk = std::make_shared<test::ScriptedJournal::Disk>();
  Engine engine = test::open(guarded("pump"), disk, clock);
  disk->full = true;
  const Result<void> killed = engine.kill(engine.point("p").value(), true, kOps);
  ASSERT_FALSE(killed);
  EXPECT_EQ(killed.error().code, Errc::not_durable);
  EXPECT_NE(killed.error().message.find("in force, but not stored yet"), std::string::npos);
  Decision decision;
  ASSERT_EQ(engine.decide(engine.point("p").value(), {}, {}, decision), Errc::ok);
  EXPECT_EQ(decision.reason, ChoiceReason::killed);
  disk->full = false;
  clock->advance(10 * kSecond);
  EXPECT_TRUE(engine.drain());
}

TEST(SafetyRecovery, SwitchesAreInTheAuditTrail) {
  const test::TestFolder folder;
  const std::string path = folder.file("store");
  for (const char* mode : {"pump", "threads"}) {
    EngineOptions options;
    options.journal = std::move(open_sqlite_journal(path, OpenMode::read_write)).value();
    Result<Engine> engine = Engine::open(guarded(mode), std::move(options));
    ASSERT_TRUE(engine) << engine.error().message;
    ASSERT_TRUE(engine->kill(engine->point("p").value(), true, kOps, "smoke"));
    ASSERT_TRUE(engine->kill_all(false, {.actor = "anna", .time = 0}));
    ASSERT_TRUE(engine->freeze(engine->point("p").value(), true, kOps));
    ASSERT_TRUE(engine->freeze(engine->point("p").value(), false, kOps));
  }
  const Result<AuditTrail> trail = read_audit(path);
  ASSERT_TRUE(trail);
  EXPECT_TRUE(trail->damage.empty());
  ASSERT_EQ(trail->entries.size(), 8U);
  EXPECT_EQ(trail->entries[0].action, "kill");
  EXPECT_EQ(trail->entries[0].actor, "ops");
  EXPECT_EQ(trail->entries[0].subject, "point p");
  EXPECT_EQ(trail->entries[0].before, "off");
  EXPECT_EQ(trail->entries[0].after, "on: smoke");
  EXPECT_EQ(trail->entries[1].actor, "anna");
  EXPECT_EQ(trail->entries[1].before, "on");
  EXPECT_EQ(trail->entries[6].action, "freeze");
}

}  // namespace
}  // namespace attune::safety_recovery_test
