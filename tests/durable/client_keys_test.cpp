// SPDX-License-Identifier: Apache-2.0
// Asking again with the same client key gives the same decision: at once, after a restart, from many threads.
#include <attune/engine/engine.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/client_keys.hpp"
#include "tests/durable/scripted_journal.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::client_keys_test {
namespace {

using test::ScriptedJournal;

class Retries : public ::testing::Test {
 protected:
  std::string mode = "pump";
  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  std::shared_ptr<ScriptedJournal::Disk> disk = std::make_shared<ScriptedJournal::Disk>();

  Engine open(const std::string& more = {}) {
    const std::string text = R"({"seed":1,"node":"n","mode":")" + mode + "\"," + more + R"("points":{
        "p":{"policy":{"type":"thompson_beta"},"arms":["a","b","c"],"context":{"dimension":2}},
        "q":{"policy":{"type":"ucb1"},"arms":["x","y"]},
        "t":{"policy":{"type":"gp_optimizer","parameters":[{"name":"v","low":0,"high":1}]}}}})";
    return test::open(text, disk, clock);
  }
  static Decision ask(Engine& engine, std::string_view point, std::string_view key, Features context = {},
                      Errc expected = Errc::ok) {
    Decision decision;
    EXPECT_EQ(engine.decide(engine.point(point).value(), {.dense = context}, {.client_key = key}, decision),
              expected)
        << Engine::last_error();
    return decision;
  }
  static void expect_same(const Decision& a, const Decision& b) {
    EXPECT_EQ(a.id, b.id);
    EXPECT_EQ(a.arm.view(), b.arm.view());
    EXPECT_EQ(a.arm_index, b.arm_index);
    EXPECT_TRUE(a.propensity == b.propensity || (std::isnan(a.propensity) && std::isnan(b.propensity)));
    EXPECT_EQ(a.version, b.version);
    EXPECT_EQ(a.sequence, b.sequence);
    EXPECT_EQ(a.rung, b.rung);
    EXPECT_EQ(a.greedy, b.greedy);
    EXPECT_EQ(a.parameters, b.parameters);
  }

  const std::array<double, 2> one{1.0, 2.0};
  const std::array<double, 2> two{1.0, 3.0};
};

class RetriesInBothModes : public Retries, public ::testing::WithParamInterface<std::string> {
 protected:
  RetriesInBothModes() { mode = GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(Modes, RetriesInBothModes, ::testing::Values("pump", "threads"),
                         [](const auto& tested) { return tested.param; });

TEST_P(RetriesInBothModes, GetTheSameDecisionBeforeAndAfterItIsFolded) {
  Engine engine = open();
  const Decision first = ask(engine, "p", "k1", one);
  expect_same(ask(engine, "p", "k1", one), first);
  ASSERT_TRUE(engine.drain());
  expect_same(ask(engine, "p", "k1", one), first);
  const Decision tuned = ask(engine, "t", "k2");
  ASSERT_EQ(tuned.parameters.size(), 1U);
  expect_same(ask(engine, "t", "k2"), tuned);
  EXPECT_NE(ask(engine, "p", "k3", one).id, first.id);
  EXPECT_NE(ask(engine, "p", "", one).id, ask(engine, "p", "", one).id);  // no key, no memory
  ASSERT_TRUE(engine.drain());
  EXPECT_EQ(disk->decisions().size(), 5U);
  const EngineMetrics metrics = engine.metrics();
  EXPECT_EQ(metrics.client_keys.retried, 3U);
  EXPECT_EQ(metrics.client_keys.remembered, 3U);
  EXPECT_EQ(metrics.points.at(0).decisions, 4U);
}

TEST_P(RetriesInBothModes, GetTheSameDecisionAfterARestartFromRecordsAndFromACheckpoint) {
  Decision first;
  Decision tuned;
  Bytes state;
  {
    Engine engine = open();
    first = ask(engine, "p", "k1", one);
    tuned = ask(engine, "t", "k2");
    ASSERT_EQ(engine.outcome(first.id, 1.0), Errc::ok);
    ASSERT_TRUE(engine.drain());
    state = engine.state();
  }
  for (int restart = 0; restart < 3; ++restart) {
    Engine engine = open();
    EXPECT_EQ(engine.state(), state);
    const Decision again = ask(engine, "p", "k1", one);
    expect_same(again, first);
    EXPECT_EQ(again.ticket, Ticket::none);  // durable since before this engine
    EXPECT_TRUE(engine.wait_durable(again.ticket));
    expect_same(ask(engine, "t", "k2"), tuned);
    ASSERT_TRUE(engine.checkpoint());  // the next ones start from it
    EXPECT_EQ(engine.metrics().position, 3U);
  }
}

TEST_P(RetriesInBothModes, AKeyThatIsUsedForSomethingElseIsRefusedByName) {
  Engine engine = open();
  ask(engine, "p", "order-17", one);
  ask(engine, "p", "order-17", two, Errc::conflict);
  EXPECT_EQ(Engine::last_error(),
            "client key 'order-17' was used at this decision point for another context");
  ask(engine, "q", "order-17", {}, Errc::conflict);
  EXPECT_EQ(Engine::last_error(), "client key 'order-17' was used for a decision at another decision point");
  ASSERT_TRUE(engine.drain());
  EXPECT_EQ(disk->last_position, 1U);
  EXPECT_EQ(engine.metrics().client_keys.conflicts, 2U);
}

TEST_P(RetriesInBothModes, TheNewestKeysAreRememberedAndTheOthersCounted) {
  std::vector<Uuid> ids;
  Bytes state;
  {
    Engine engine = open(R"("client_keys":{"keep":3},)");
    for (int i = 0; i < 5; ++i) {
      ids.push_back(ask(engine, "q", "k" + std::to_string(i)).id);
      ASSERT_TRUE(engine.drain());
    }
    for (std::size_t i = 2; i < 5; ++i) {
      EXPECT_EQ(ask(engine, "q", "k" + std::to_string(i)).id, ids[i]);
    }
    EXPECT_EQ(engine.metrics().client_keys.forgotten, 2U);
    EXPECT_NE(ask(engine, "q", "k0").id, ids[0]);  // forgotten: a new decision
    ASSERT_TRUE(engine.drain());
    EXPECT_EQ(engine.metrics().client_keys.forgotten, 3U);
    state = engine.state();
  }
  EXPECT_EQ(open(R"("client_keys":{"keep":3},)").state(), state);
}

TEST_P(RetriesInBothModes, WithoutMemoryEveryCallIsANewDecision) {
  Engine engine = open(R"("client_keys":{"keep":0},)");
  EXPECT_NE(ask(engine, "q", "k").id, ask(engine, "q", "k").id);
}

TEST_P(RetriesInBothModes, ADecisionThatWasNotRecordedIsNotRemembered) {
  Engine engine = open(R"("queue":{"bytes":65536,"on_full":"shed"},)");
  disk->stall();
  disk->full = true;
  Decision decision;
  int shed = 0;
  for (int i = 0; shed == 0 && i < 5'000; ++i) {
    if (mode == "pump" && i == 0) {
      disk->release();  // nobody else would
    }
    const std::string key = "k" + std::to_string(i);
    if (engine.decide(engine.point("q").value(), {}, {.client_key = key}, decision) == Errc::queue_full) {
      ++shed;
      EXPECT_EQ(engine.decide(engine.point("q").value(), {}, {.client_key = key}, decision),
                Errc::queue_full);
      disk->full = false;
      disk->release();
      while (!engine.drain()) {
        std::this_thread::yield();
      }
      EXPECT_EQ(engine.decide(engine.point("q").value(), {}, {.client_key = key}, decision), Errc::ok);
      EXPECT_FALSE(decision.id.is_nil());
    }
  }
  EXPECT_EQ(shed, 1);
}

TEST_F(Retries, ManyThreadsWithTheSameKeysMakeOneDecisionEach) {
  mode = "threads";
  constexpr std::size_t kThreads = 8;
  constexpr std::size_t kKeys = 300;
  Engine engine = open();
  std::vector<std::vector<Uuid>> seen(kThreads);
  std::vector<std::thread> callers;
  for (std::size_t t = 0; t < kThreads; ++t) {
    callers.emplace_back([&, t] {
      Decision decision;
      for (std::size_t i = 0; i < kKeys; ++i) {
        const std::string key = "k" + std::to_string((i * (t % 2 == 0 ? 1 : 7)) % kKeys);
        if (engine.decide(static_cast<PointId>(1), {}, {.client_key = key}, decision) == Errc::ok) {
          seen[t].push_back(decision.id);
        }
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  ASSERT_TRUE(engine.drain());
  std::set<Uuid> all;
  for (const std::vector<Uuid>& one_thread : seen) {
    ASSERT_EQ(one_thread.size(), kKeys);
    all.insert(one_thread.begin(), one_thread.end());
  }
  EXPECT_EQ(all.size(), kKeys);
  EXPECT_EQ(disk->decisions().size(), kKeys);
  EXPECT_EQ(engine.metrics().client_keys.retried, (kThreads - 1) * kKeys);
}

TEST(ClientKeyTable, ChangesNothingWhereMemoryRunsOut) {
  const std::vector<double> values(100, 0.5);
  const std::string arm(200, 'a');
  ClientKeys keys(4);
  std::uint64_t key = 1;
  // Each request for memory that taking a key in makes fails once.
  for (std::size_t at = 1; key <= 100; ++at) {
    DecisionRecord record;
    record.client_key = key;
    record.sequence = key;
    record.values = values;
    test::refuse_allocation(at, false);
    const bool noted = keys.note(record, arm);
    test::refuse_allocation(0, false);
    Decision out;
    std::uint32_t point = 0;
    const ClientKeys::Recall seen = keys.recall(key, 0, context_digest({}), out, point);
    ASSERT_EQ(seen, noted ? ClientKeys::Recall::found : ClientKeys::Recall::unknown);
    if (noted) {
      ASSERT_EQ(out.sequence, key);
      ASSERT_EQ(out.parameters, values);
      ++key;
      at = 0;
    }
  }
  EXPECT_EQ(keys.metrics().retried, 100U);
  Decision out;
  std::uint32_t point = 0;
  test::refuse_allocation(1, false);
  const ClientKeys::Recall recalled = keys.recall(7, 0, context_digest({}), out, point);
  test::refuse_allocation(0, false);
  EXPECT_EQ(recalled, ClientKeys::Recall::no_memory);
  EXPECT_EQ(keys.metrics().retried, 100U);
  EXPECT_EQ(out.sequence, 0U);
  ASSERT_EQ(keys.recall(7, 0, context_digest({}), out, point), ClientKeys::Recall::found);
  EXPECT_EQ(out.sequence, 7U);
}

/// Writes a record at the journal's next position.
template <class Record>
void put(Journal& journal, Record record) {
  std::vector<std::uint64_t> words(encoded_size(record) / sizeof(std::uint64_t));
  const std::span<std::byte> bytes = std::as_writable_bytes(std::span(words));
  encode(record, bytes);
  finish_record(bytes, journal.last_position() + 1);
  const ByteView view = bytes;
  ASSERT_TRUE(journal.append({&view, 1}));
}

/// Deciders are ahead of the fold: between a choice and its record the arm may go and its slot be given away.
TEST_F(Retries, OfADecisionWhoseSlotWasGivenAwayBeforeItsRecordNameNoOtherArm) {
  Decision chosen;
  {
    Engine engine = open();
    chosen = ask(engine, "q", "k");
    ASSERT_EQ(engine.outcome(chosen.id, 1.0), Errc::ok);
    ASSERT_TRUE(engine.drain());
  }
  // The same records, behind the removal of the arm and the coming of another.
  auto reordered = std::make_shared<ScriptedJournal::Disk>();
  EventRecord event;
  event.header.point = 1;
  event.kind = EventKind::arm_removed;
  event.text = chosen.arm.view();
  put(*reordered->journal, event);
  event.kind = EventKind::arm_added;
  event.text = "z";
  put(*reordered->journal, event);
  ASSERT_TRUE(disk->journal->read(1, [&](ByteView record) {
    DecisionRecord decision;
    OutcomeRecord outcome;
    if (decode(record, decision) == Errc::ok) {
      EXPECT_EQ(decision.arm_generation, 1U);
      put(*reordered->journal, decision);
    } else if (decode(record, outcome) == Errc::ok) {
      put(*reordered->journal, outcome);
    }
    return true;
  }));
  ASSERT_EQ(reordered->journal->last_position(), 4U);
  disk = reordered;
  const std::size_t slot = to_index(chosen.arm_index);
  for (int restart = 0; restart < 2; ++restart) {
    Engine engine = open();
    ask(engine, "q", "k", {}, Errc::unknown_arm);
    EXPECT_NE(Engine::last_error().find("client key 'k'"), std::string_view::npos) << Engine::last_error();
    const PointMetrics metrics = engine.metrics().points.at(1);
    EXPECT_EQ(metrics.arms.at(slot), "z");
    EXPECT_EQ(metrics.decisions, 1U);
    EXPECT_EQ(metrics.selections.at(slot), 0U) << "the choice was not that arm's";
    EXPECT_EQ(metrics.arm_gone, 1U) << "nor is the reward";
    ASSERT_TRUE(engine.checkpoint());  // the next one starts from it
  }
}

TEST(ClientKeyTable, TheNameOfAnArmThatWentBeforeTheFoldIsKnownToWhoNotedIt) {
  DecisionRecord record;
  record.client_key = 9;
  record.arm = to_arm(0);
  ClientKeys live(4);
  ASSERT_TRUE(live.note(record, "gone"));
  live.fold(record, "");
  Decision out;
  std::uint32_t point = 0;
  ASSERT_EQ(live.recall(9, 0, context_digest({}), out, point), ClientKeys::Recall::found);
  EXPECT_EQ(out.arm.view(), "gone");
  ClientKeys replayed(4);
  replayed.fold(record, "");
  EXPECT_EQ(replayed.recall(9, 0, context_digest({}), out, point), ClientKeys::Recall::arm_gone);
  Writer state;
  live.save(state);
  Writer same;
  replayed.save(same);
  EXPECT_TRUE(std::ranges::equal(state.view(), same.view())) << "what is saved is a function of the records";
}

TEST(ClientKeyTable, AKeyWhoseDecisionFoundNoRoomIsTakenBack) {
  ClientKeys keys(4);
  DecisionRecord record;
  record.client_key = 9;
  Decision out;
  std::uint32_t point = 0;
  ASSERT_TRUE(keys.note(record, "arm"));
  keys.settle(9, Ticket::none);
  EXPECT_EQ(keys.recall(9, 0, context_digest({}), out, point), ClientKeys::Recall::unknown);
  ASSERT_TRUE(keys.note(record, "arm"));
  keys.settle(9, static_cast<Ticket>(64));
  ASSERT_EQ(keys.recall(9, 0, context_digest({}), out, point), ClientKeys::Recall::found);
  EXPECT_EQ(out.ticket, static_cast<Ticket>(64));
  keys.fold(record, "arm");
  keys.settle(9, Ticket::none);
  EXPECT_EQ(keys.recall(9, 0, context_digest({}), out, point), ClientKeys::Recall::found)
      << "it is in the fold";
}

TEST_F(Retries, AreRefusedWhereMemoryRunsOutAndAnsweredAfterwards) {
  Engine engine = open();
  const PointId point = engine.point("t").value();
  Decision first;
  ASSERT_EQ(engine.decide(point, {}, {.client_key = "k"}, first), Errc::ok);
  Decision again;
  test::refuse_allocation(1, false);
  const Errc refused = engine.decide(point, {}, {.client_key = "k"}, again);
  test::refuse_allocation(0, false);
  EXPECT_EQ(refused, Errc::full);
  ASSERT_EQ(engine.decide(point, {}, {.client_key = "k"}, again), Errc::ok);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.parameters, first.parameters);
}

TEST(ClientKeyTable, SaysOfACutStateThatItIsCut) {
  ClientKeys keys(4);
  for (std::uint64_t key = 1; key <= 2; ++key) {
    DecisionRecord record;
    record.client_key = key;
    keys.fold(record, "a");
  }
  Writer writer;
  keys.save(writer);
  for (std::size_t size = 0; size < writer.size(); ++size) {
    ClientKeys loaded(4);
    Reader reader(writer.view().first(size));
    const Result<void> verdict = loaded.load(reader);
    ASSERT_FALSE(verdict) << size;
    EXPECT_NE(verdict.error().message.find("cut short"), std::string::npos)
        << size << ": " << verdict.error().message;
  }
}

TEST(ClientKeyTable, HoldsItsOrderThroughManyAdditionsAndReads) {
  constexpr std::uint64_t kKeep = 50;
  ClientKeys keys(kKeep);
  for (std::uint64_t i = 1; i <= 1'000; ++i) {
    DecisionRecord record;
    record.client_key = i;
    record.sequence = i;
    if (i % 3 == 0) {
      ASSERT_TRUE(keys.note(record, "arm"));  // some are seen before they are folded
      keys.settle(i, static_cast<Ticket>(i));
    }
    keys.fold(record, "arm");
    keys.fold(record, "other");  // the first stands
    Decision out;
    std::uint32_t point = 0;
    const std::uint64_t digest = context_digest({});
    ASSERT_EQ(keys.recall(i, 0, digest, out, point), ClientKeys::Recall::found);
    ASSERT_EQ(out.arm.view(), "arm");
    if (i > kKeep) {
      ASSERT_EQ(keys.recall(i - kKeep, 0, digest, out, point), ClientKeys::Recall::unknown);
      ASSERT_EQ(keys.recall(i - kKeep + 1, 0, digest, out, point), ClientKeys::Recall::found);
    }
  }
  Writer writer;
  keys.save(writer);
  ClientKeys copy(kKeep);
  Reader reader(writer.view());
  ASSERT_TRUE(copy.load(reader));
  Writer again;
  copy.save(again);
  EXPECT_TRUE(std::ranges::equal(writer.view(), again.view()));
  for (std::size_t cut = 0; cut < writer.size(); cut += 7) {  // hostile: cut short
    Reader part(writer.view().first(cut));
    EXPECT_FALSE(copy.load(part)) << cut;
  }
}

}  // namespace
}  // namespace attune::client_keys_test
