// SPDX-License-Identifier: Apache-2.0
// What an acknowledgement is worth, in both modes: tickets, callbacks, and points that wait for the commit.
#include <attune/engine/engine.hpp>

#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/durable/scripted_journal.hpp"

namespace attune::acknowledge_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::ScriptedJournal;

class Acknowledge : public ::testing::Test {
 protected:
  std::string mode = "pump";
  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  std::shared_ptr<ScriptedJournal::Disk> disk = std::make_shared<ScriptedJournal::Disk>();

  [[nodiscard]] bool threads() const { return mode == "threads"; }
  [[nodiscard]] std::string config(const std::string& more = {}) const {
    return R"({"seed":1,"node":"n","mode":")" + mode + R"(","checkpoint":{"every_s":0,"every_records":0},)" +
           more +
           R"("points":{"sure":{"policy":{"type":"ucb1"},"arms":["a","b"],"acknowledge":"durable"},
                        "fast":{"policy":{"type":"ucb1"},"arms":["a","b"]}}})";
  }
  Engine open(const std::string& more = {}) { return test::open(config(more), disk, clock); }
  static Decision decide(Engine& engine, std::string_view point, Errc expected = Errc::ok) {
    Decision decision;
    EXPECT_EQ(engine.decide(engine.point(point).value(), {}, {}, decision), expected) << Engine::last_error();
    return decision;
  }
};

class AcknowledgeInBothModes : public Acknowledge, public ::testing::WithParamInterface<std::string> {
 protected:
  AcknowledgeInBothModes() { mode = GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(Modes, AcknowledgeInBothModes, ::testing::Values("pump", "threads"),
                         [](const auto& tested) { return tested.param; });

TEST_P(AcknowledgeInBothModes, DurablePointsReturnAfterTheirCommit) {
  Engine engine = open();
  EXPECT_TRUE(engine.acknowledges_durably(engine.point("sure").value()));
  EXPECT_FALSE(engine.acknowledges_durably(engine.point("fast").value()));
  for (std::uint64_t i = 1; i <= 20; ++i) {
    const Decision decision = decide(engine, "sure");
    ASSERT_GE(disk->last_position, 2 * i - 1);
    ASSERT_GE(engine.durable_ticket(), decision.ticket);
    ASSERT_EQ(engine.outcome(decision.id, 1.0), Errc::ok);
    ASSERT_GE(disk->last_position, 2 * i);
  }
  EXPECT_EQ(engine.metrics().not_durable, 0U);
}

TEST_P(AcknowledgeInBothModes, ABatchWaitsOnceForTheLastOfIt) {
  Engine engine = open();
  const PointId sure = engine.point("sure").value();
  std::vector<Decision> batch(50);
  const std::vector<ContextView> contexts(batch.size());
  std::size_t made = 0;
  ASSERT_EQ(engine.decide_batch(sure, contexts, {}, batch, made), Errc::ok) << Engine::last_error();
  EXPECT_EQ(made, 50U);
  EXPECT_GE(disk->last_position, 50U);
  EXPECT_GE(engine.durable_ticket(), batch.back().ticket);
  for (std::size_t i = 0; i < made; ++i) {
    EXPECT_EQ(batch[i].sequence, i);
    EXPECT_EQ(engine.outcome(batch[i].id, 1.0), Errc::ok);
  }
  ASSERT_EQ(engine.decide_batch(sure, {}, {}, {}, made), Errc::ok);
  EXPECT_EQ(made, 0U);
}

// One by one or as a batch: the same choices.
TEST_P(AcknowledgeInBothModes, ABatchIsTheSameAsOneDecisionAfterTheOther) {
  Engine engine = open();
  const PointId fast = engine.point("fast").value();
  std::vector<Decision> batch(20);
  const std::vector<ContextView> contexts(batch.size());
  std::size_t made = 0;
  ASSERT_EQ(engine.decide_batch(fast, contexts, {}, batch, made), Errc::ok);
  disk = std::make_shared<ScriptedJournal::Disk>();
  Engine other = open();
  for (const Decision& of : batch) {
    const Decision single = decide(other, "fast");
    EXPECT_EQ(single.arm.view(), of.arm.view());
    EXPECT_EQ(single.sequence, of.sequence);
  }
}

TEST_P(AcknowledgeInBothModes, ABatchStopsAtTheFirstRefusal) {
  Engine engine = open();
  const PointId sure = engine.point("sure").value();
  std::vector<Decision> batch(3);
  const std::array<double, 1> extra{1.0};
  const std::vector<ContextView> contexts{ContextView{}, ContextView{.dense = extra}, ContextView{}};
  std::size_t made = 7;
  EXPECT_EQ(engine.decide_batch(sure, contexts, {}, batch, made), Errc::dimension_mismatch);
  ASSERT_EQ(made, 1U);
  EXPECT_TRUE(engine.wait_durable(batch.front().ticket));
  EXPECT_EQ(engine.outcome(batch.front().id, 1.0), Errc::ok);
  EXPECT_EQ(engine.decide_batch(sure, contexts, {}, std::span(batch).first(2), made),
            Errc::dimension_mismatch);
  EXPECT_EQ(engine.decide_batch(sure, contexts, {.client_key = "k"}, batch, made), Errc::invalid_argument);
  EXPECT_EQ(made, 0U);
}

TEST_P(AcknowledgeInBothModes, AsyncPointsGiveTicketsThatGrow) {
  Engine engine = open();
  disk->stall();
  std::vector<Ticket> tickets;
  if (threads()) {  // in pump mode nothing is committed before somebody pumps
    for (int i = 0; i < 5; ++i) {
      const Decision decision = decide(engine, "fast");
      tickets.push_back(decision.ticket);
      Ticket outcome = Ticket::none;
      const std::array<Component, 1> one{Component{.name = "reward", .value = 1.0}};
      ASSERT_EQ(engine.outcome(decision.id, one, {.ticket = &outcome}), Errc::ok);
      tickets.push_back(outcome);
    }
    const Result<void> early = engine.wait_durable(tickets.back(), milliseconds(20));
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code, Errc::not_durable);
  } else {
    for (int i = 0; i < 10; ++i) {
      tickets.push_back(decide(engine, "fast").ticket);
    }
  }
  EXPECT_TRUE(std::ranges::is_sorted(tickets));
  EXPECT_LT(engine.durable_ticket(), tickets.front());
  disk->release();
  ASSERT_TRUE(engine.wait_durable(tickets.back(), seconds(30)));
  EXPECT_GE(engine.durable_ticket(), tickets.back());
  EXPECT_EQ(disk->last_position, 10U);
  EXPECT_TRUE(engine.wait_durable(Ticket::none, seconds(0)));
}

TEST_P(AcknowledgeInBothModes, CallbacksComeInOrderAfterTheCommit) {
  Engine engine = open();
  std::vector<int> order;
  std::vector<std::uint64_t> seen_on_disk;
  std::vector<Ticket> tickets;
  disk->stall();
  for (int i = 0; i < 8; ++i) {
    tickets.push_back(decide(engine, "fast").ticket);
  }
  for (const int i : {5, 0, 7, 2, 6, 1, 4, 3}) {  // asked for in any order
    ASSERT_TRUE(
        engine.when_durable(tickets.at(static_cast<std::size_t>(i)), [&, i](const Result<void>& verdict) {
          EXPECT_TRUE(verdict);
          order.push_back(i);
          seen_on_disk.push_back(disk->last_position);
        }));
  }
  std::future<Result<void>> last = engine.durable(tickets.back());
  EXPECT_EQ(engine.metrics().callbacks_waiting, 9U);
  disk->release();
  ASSERT_TRUE(engine.drain());
  EXPECT_TRUE(last.get());
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
  for (std::size_t i = 0; i < order.size(); ++i) {
    EXPECT_GE(seen_on_disk.at(i), i + 1);
  }
  EXPECT_TRUE(engine.durable(tickets.front()).wait_for(seconds(threads() ? 30 : 0)) ==
                  std::future_status::ready ||
              !threads());  // pump mode calls at the next pump
}

TEST_P(AcknowledgeInBothModes, CallbacksHearOfAnEngineThatClosesWithoutTheCommit) {
  std::vector<Errc> verdicts;
  std::future<Result<void>> future;
  {
    Engine engine = open();
    const Ticket good = decide(engine, "fast").ticket;
    ASSERT_TRUE(engine.drain());
    ASSERT_TRUE(engine.when_durable(good, [&](const Result<void>& verdict) {
      verdicts.push_back(verdict ? Errc::ok : verdict.error().code);
    }));
    disk->full = true;
    const Ticket lost = decide(engine, "fast").ticket;
    ASSERT_TRUE(engine.when_durable(lost, [&](const Result<void>& verdict) {
      verdicts.push_back(verdict ? Errc::ok : verdict.error().code);
    }));
    future = engine.durable(lost);
  }
  EXPECT_EQ(verdicts, (std::vector<Errc>{Errc::ok, Errc::not_durable}));
  const Result<void> verdict = future.get();
  ASSERT_FALSE(verdict);
  EXPECT_NE(verdict.error().message.find("disk is full"), std::string::npos) << verdict.error().message;
}

TEST_P(AcknowledgeInBothModes, ACallbackMayThrowAndMayNotWait) {
  Engine engine = open();
  const Ticket ticket = decide(engine, "fast").ticket;
  Errc inside = Errc::ok;
  ASSERT_TRUE(engine.when_durable(ticket, [&](const Result<void>& /*verdict*/) {
    Decision nested;
    inside = engine.decide(engine.point("sure").value(), {}, {}, nested);
    throw 1;
  }));
  std::future<Result<void>> after = engine.durable(ticket);
  ASSERT_TRUE(engine.drain());
  EXPECT_TRUE(after.get());
  EXPECT_EQ(inside, Errc::not_durable);
  decide(engine, "sure");  // the engine lives on
}

TEST_P(AcknowledgeInBothModes, TheNumberOfWaitingCallbacksIsBounded) {
  Engine engine = open();
  disk->stall();
  const Ticket ticket = decide(engine, "fast").ticket;
  std::size_t called = 0;
  for (std::size_t i = 0; i < Engine::kMaxCallbacks; ++i) {
    ASSERT_TRUE(engine.when_durable(ticket, [&](const Result<void>& /*verdict*/) { ++called; }));
  }
  const Result<void> refused = engine.when_durable(ticket, [](const Result<void>& /*verdict*/) {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::full);
  EXPECT_EQ(engine.durable(ticket).get().error().code, Errc::full);
  EXPECT_EQ(engine.when_durable(ticket, {}).error().code, Errc::invalid_argument);
  disk->release();
  ASSERT_TRUE(engine.drain());
  while (engine.metrics().callbacks_waiting > 0) {
    std::this_thread::yield();
  }
  std::promise<void> last;  // the thread that called the others calls this one after them
  ASSERT_TRUE(engine.when_durable(ticket, [&](const Result<void>& /*verdict*/) { last.set_value(); }));
  ASSERT_TRUE(engine.pump());
  last.get_future().get();
  EXPECT_EQ(called, Engine::kMaxCallbacks);
}

TEST_P(AcknowledgeInBothModes, NothingIsAcknowledgedThatIsNotDurable) {
  Engine engine = open();
  const Decision before = decide(engine, "sure");
  disk->full = true;
  const Decision decision = decide(engine, "sure", Errc::not_durable);
  EXPECT_NE(Engine::last_error().find("tried again"), std::string_view::npos) << Engine::last_error();
  EXPECT_FALSE(decision.id.is_nil());  // it is a valid answer
  EXPECT_FALSE(decision.arm.view().empty());
  EXPECT_LT(engine.durable_ticket(), decision.ticket);
  EXPECT_EQ(engine.outcome(before.id, 1.0), Errc::not_durable);
  EXPECT_FALSE(engine.wait_durable(decision.ticket, seconds(30)));
  EXPECT_EQ(engine.outcome(before.id, 1.0), Errc::not_durable);  // the client tries again
  EXPECT_EQ(disk->last_position, 1U);
  disk->full = false;
  while (!engine.drain()) {  // the journal thread notices by itself; this waits for it
    std::this_thread::yield();
  }
  EXPECT_EQ(engine.outcome(before.id, 1.0), Errc::ok);
  const EngineMetrics metrics = engine.metrics();
  EXPECT_EQ(metrics.not_durable, 3U);
  EXPECT_EQ(metrics.points.at(0).rewards.learned, 1U);
  EXPECT_EQ(metrics.points.at(0).rewards.duplicate, 2U);
  EXPECT_EQ(disk->decisions().at(decision.id), 1);
}

TEST_P(AcknowledgeInBothModes, ACallMayAskForItsTicketInsteadOfWaiting) {
  Engine engine = open();
  disk->stall();
  Decision decision;
  ASSERT_EQ(engine.decide(engine.point("sure").value(), {}, {.wait = false}, decision), Errc::ok);
  Ticket outcome = Ticket::none;
  const std::array<Component, 1> one{Component{.name = "reward", .value = 1.0}};
  ASSERT_EQ(engine.outcome(decision.id, one, {.wait = false, .ticket = &outcome}), Errc::ok);
  EXPECT_LT(decision.ticket, outcome);
  disk->release();
  ASSERT_TRUE(engine.wait_durable(outcome, seconds(30)));
  EXPECT_EQ(disk->last_position, 2U);
}

TEST_F(Acknowledge, ADurableCallWaitsNoLongerThanItsTimeout) {
  mode = "threads";
  Engine engine = open(R"("acknowledge_timeout_s":0.02,)");
  disk->stall();
  const Decision decision = decide(engine, "sure", Errc::not_durable);
  EXPECT_NE(Engine::last_error().find("time to wait is over"), std::string_view::npos);
  disk->release();
  ASSERT_TRUE(engine.wait_durable(decision.ticket, seconds(30)));
}

TEST_F(Acknowledge, ManyThreadsWaitForTheSameCommits) {
  mode = "threads";
  constexpr int kThreads = 8;
  constexpr int kRounds = 40;
  Engine engine = open();
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int t = 0; t < kThreads; ++t) {
    callers.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) {
        Decision decision;
        const bool decided = engine.decide(static_cast<PointId>(0), {}, {}, decision) == Errc::ok &&
                             engine.durable_ticket() >= decision.ticket;
        wrong += decided && engine.outcome(decision.id, 0.5) == Errc::ok ? 0 : 1;
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(disk->last_position, 2U * kThreads * kRounds);
}

// Whoever waits makes the journal's thread fold too, and release what it committed, while the learner's
// thread looks into the ring for work: under the thread sanitizer this is a race test.
TEST_F(Acknowledge, ASmallRingGoesRoundWhileSomeWaitAndOthersDoNot) {
  mode = "threads";
  constexpr int kWaiting = 3;
  constexpr int kRounds = 500;
  constexpr int kFast = 2000;
  Engine engine = open(R"("queue":{"bytes":65536},)");
  const PointId sure = engine.point("sure").value();
  const PointId fast = engine.point("fast").value();
  std::atomic<std::uint64_t> taken{0};
  std::atomic<int> wrong{0};
  const auto call = [&](PointId point, int rounds) {
    Decision decision;
    for (int i = 0; i < rounds; ++i) {
      const Errc code = engine.decide(point, {}, {}, decision);
      taken += code == Errc::ok ? 1 : 0;
      wrong += code == Errc::ok || code == Errc::queue_full ? 0 : 1;
      if (point == fast && i % 8 == 0) {
        std::this_thread::yield();
      }
    }
  };
  std::vector<std::thread> callers;
  for (int t = 0; t < kWaiting; ++t) {
    callers.emplace_back(call, sure, kRounds);
  }
  callers.emplace_back(call, fast, kFast);
  for (std::thread& caller : callers) {
    caller.join();
  }
  ASSERT_TRUE(engine.drain());
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(disk->last_position, taken);
}

TEST(AcknowledgeInMemory, NothingIsDurableAndNothingSaysItIs) {
  const std::string durable =
      R"({"points":{"p":{"policy":{"type":"ucb1"},"arms":["a"],"acknowledge":"durable"}}})";
  const Result<Engine> refused = Engine::open(durable);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid_config);
  EXPECT_NE(refused.error().message.find("points.p.acknowledge"), std::string::npos);
  Engine engine = Engine::open(R"({"points":{"p":{"policy":{"type":"ucb1"},"arms":["a"]}}})").value();
  Decision decision;
  ASSERT_EQ(engine.decide(engine.point("p").value(), {}, {}, decision), Errc::ok);
  ASSERT_TRUE(engine.pump());
  EXPECT_EQ(engine.durable_ticket(), Ticket::none);
  EXPECT_EQ(engine.wait_durable(decision.ticket).error().code, Errc::unsupported);
  EXPECT_EQ(engine.when_durable(decision.ticket, [](const Result<void>&) {}).error().code, Errc::unsupported);
  EXPECT_EQ(engine.durable(decision.ticket).get().error().code, Errc::unsupported);
  EXPECT_EQ(engine.health().level, EngineHealth::Level::ok);
}

}  // namespace
}  // namespace attune::acknowledge_test
