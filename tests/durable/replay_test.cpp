// SPDX-License-Identifier: Apache-2.0
// A replay folds the journal as the engine did: same state at every checkpoint, same decisions.
#include <attune/engine/replay.hpp>

#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/durable/traffic.hpp"
#include "tests/support/shared_journal.hpp"

namespace attune::replay_test {
namespace {

using test::config;
using test::SharedJournal;
using test::Traffic;

/// Records of a journal, by position from 1, each in words of its own.
std::vector<std::vector<std::uint64_t>> records_of(Journal& journal) {
  std::vector<std::vector<std::uint64_t>> copies;
  EXPECT_TRUE(journal.read(1, [&](ByteView record) {
    std::vector<std::uint64_t>& copy = copies.emplace_back(record.size() / 8);
    std::ranges::copy(record, std::as_writable_bytes(std::span(copy)).begin());
    return true;
  }));
  return copies;
}

RecordHeader header_of(const std::vector<std::uint64_t>& record) {
  RecordHeader header;
  EXPECT_EQ(read_header(std::as_bytes(std::span(record)), header), Errc::ok);
  return header;
}

class Replays : public ::testing::Test {
 protected:
  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  std::shared_ptr<SharedJournal::Store> store = std::make_shared<SharedJournal::Store>();
  std::vector<Checkpoint> states;  ///< every checkpoint that was taken

  /// Traffic with a checkpoint now and then; all of them are kept here.
  void run(const std::string& text, int rounds, std::uint64_t seed = 3) {
    Engine engine = test::open(text, store, clock);
    Traffic traffic(seed);
    for (int i = 0; i < rounds; ++i) {
      traffic.round(engine);
      if (i % 3 != 1) {  // some decisions are made before earlier records are folded
        ASSERT_TRUE(engine.pump());
      }
      if (i % 25 == 24) {
        ASSERT_TRUE(engine.checkpoint());
        states.push_back(std::move(**store->journal->newest_checkpoint(nullptr)));
      }
      clock->advance(kSecond);
    }
  }
  ReplaySource source() {
    ReplaySource out = replay_source(*store->journal);
    out.checkpoints = [this]() -> Result<std::vector<CheckpointInfo>> {
      std::vector<CheckpointInfo> infos;
      for (const Checkpoint& one : states) {
        infos.push_back(one.info);
      }
      return infos;
    };
    out.checkpoint = [this](std::uint64_t number) -> Result<Checkpoint> {
      for (const Checkpoint& one : states) {
        if (one.info.number == number) {
          return one;
        }
      }
      return fail(Errc::io, "there is none");
    };
    return out;
  }
  Replay replay(ReplayOptions options = {}) {
    Result<Replay> opened = Replay::open(source(), std::move(options));
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return std::move(opened).value();
  }
};

TEST_F(Replays, GiveTheStateOfEveryCheckpoint) {
  run(config("pump"), 110);
  ASSERT_EQ(states.size(), 4U);
  Replay from_start = replay();
  EXPECT_EQ(from_start.position(), 0U);
  std::size_t checked = 0;
  ASSERT_TRUE(from_start.check_checkpoints(states.back().info.position, [&](const CheckpointCheck& check) {
    EXPECT_TRUE(check.equal) << check.info.number << ": " << check.note;
    ++checked;
  }));
  EXPECT_EQ(checked, 4U);
  Replay later = replay();
  ASSERT_TRUE(later.restart_at(states[1].info.number));
  EXPECT_EQ(later.state(), states[1].state);
  ASSERT_TRUE(later.fold_to(states[2].info.position));
  EXPECT_EQ(later.state(), states[2].state);
  EXPECT_EQ(later.digest(), states[2].info.digest);
  EXPECT_EQ(later.fold_to(1).error().code, Errc::invalid_argument);
  ASSERT_TRUE(later.restart_before(states[1].info.position - 1));
  EXPECT_EQ(later.position(), states[0].info.position);
  ASSERT_TRUE(later.fold_to(store->journal->last_position() + 1000));  // stops at the end
  EXPECT_EQ(later.position(), store->journal->last_position());
  EXPECT_EQ(later.state(), test::open(config("pump"), store, clock).state());
  EXPECT_FALSE(later.describe("ucb")->rows.empty());
  EXPECT_EQ(later.describe("nowhere").error().code, Errc::unknown_point);
  EXPECT_EQ(later.metrics().points.size(), 4U);
}

TEST_F(Replays, ACheckpointThatDiffersIsNamed) {
  run(config("pump"), 60);
  states[1].info.digest[5] ^= 1U;
  std::vector<std::uint64_t> wrong;
  Replay again = replay();
  ASSERT_TRUE(again.check_checkpoints(states.back().info.position, [&](const CheckpointCheck& check) {
    if (!check.equal) {
      wrong.push_back(check.info.number);
      EXPECT_FALSE(check.note.empty());
    }
  }));
  EXPECT_EQ(wrong, std::vector<std::uint64_t>{states[1].info.number});
}

TEST_F(Replays, DeriveEveryDecisionBitForBit) {
  run(config("pump"), 60);
  Replay again = replay();
  std::size_t decisions = 0;
  for (const std::vector<std::uint64_t>& record : records_of(*store->journal)) {
    const RecordHeader header = header_of(record);
    if (header.kind != RecordKind::decision) {
      EXPECT_EQ(again.derive(header.position).error().code, Errc::invalid_argument);
      continue;
    }
    const Result<Derivation> derived = again.derive(header.position);
    ASSERT_TRUE(derived) << derived.error().message;
    EXPECT_TRUE(derived->equal()) << header.position << ": " << derived->differences.front();
    EXPECT_LT(derived->state_position, header.position);
    ++decisions;
    if (derived->point == "lin") {
      ASSERT_EQ(derived->arms.size(), 4U);
      double best = -1e300;
      for (const DerivedArm& arm : derived->arms) {
        ASSERT_TRUE(std::isfinite(arm.score)) << arm.id;
        best = std::max(best, arm.score);
      }
      EXPECT_EQ(best, derived->score);  // LinUCB takes the arm with the largest one
      EXPECT_EQ(derived->dense.size(), 3U);
    }
  }
  EXPECT_GT(decisions, 180U);
}

TEST_F(Replays, DeriveDecisionsOfManyThreads) {
  {
    Engine engine = test::open(config("threads", 100), store, clock);
    std::vector<std::thread> callers;
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      callers.emplace_back([&engine, seed] {
        Traffic traffic(50 + seed);
        for (int i = 0; i < 40; ++i) {
          traffic.round(engine, false);
        }
      });
    }
    for (std::thread& caller : callers) {
      caller.join();
    }
  }
  Replay again = replay();
  const std::vector<std::vector<std::uint64_t>> all = records_of(*store->journal);
  for (std::size_t i = 0; i < all.size(); i += 5) {
    const RecordHeader header = header_of(all[i]);
    if (header.kind == RecordKind::decision) {
      const Result<Derivation> derived = again.derive(header.position);
      ASSERT_TRUE(derived) << derived.error().message;
      EXPECT_TRUE(derived->equal()) << header.position << ": " << derived->differences.front();
    }
  }
}

TEST_F(Replays, NameWhatDiffersInADecision) {
  run(config("pump"), 10);
  std::vector<std::vector<std::uint64_t>> all = records_of(*store->journal);
  DecisionRecord record;
  ASSERT_EQ(decode(std::as_bytes(std::span(all[0])), record), Errc::ok);
  ASSERT_EQ(record.header.position, 1U);
  record.propensity = 0.125;
  std::vector<std::uint64_t> altered(encoded_size(record) / 8);
  encode(record, std::as_writable_bytes(std::span(altered)));
  all[0] = altered;
  ReplaySource forged = source();
  forged.records = [&](std::uint64_t first, const auto& visit) -> Result<void> {
    for (std::size_t i = first - 1; i < all.size() && visit(std::as_bytes(std::span(all[i]))); ++i) {
    }
    return {};
  };
  const Result<Derivation> derived = Replay::open(forged).value().derive(1);
  ASSERT_TRUE(derived);
  ASSERT_EQ(derived->differences.size(), 1U);
  EXPECT_NE(derived->differences.front().find("propensity"), std::string::npos)
      << derived->differences.front();
}

TEST_F(Replays, FoldEachPartUnderItsOwnConfiguration) {
  const auto text = [](const std::string& alpha, const std::string& arms) {
    return R"({"seed":1,"node":"n","points":{"p":{"policy":{"type":"ucb_tuned"},"arms":[)" + arms +
           R"(],"reward":{"join_window_s":)" + alpha + "}}}}";
  };
  const auto traffic = [&](Engine& engine, int count) {
    Decision decision;
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(engine.decide(engine.point("p").value(), {}, {}, decision), Errc::ok);
      if (i % 3 != 0) {
        ASSERT_EQ(engine.outcome(decision.id, 0.1 * (i % 7)), Errc::ok);
      }
      ASSERT_TRUE(engine.pump());
      clock->advance(kSecond);
    }
  };
  // Never a checkpoint of the first configuration: its records must not be folded with the second one's
  // window.
  Bytes first;
  {
    Engine engine = test::open(text("20", R"("a","b")"), store, clock);
    traffic(engine, 40);
    first = engine.state();
  }
  const std::uint64_t change = store->journal->last_position();
  {
    Engine engine = test::open(text("5", R"("a","b","c")"), store, clock);
    traffic(engine, 40);
    states.push_back(std::move(**store->journal->newest_checkpoint(nullptr)));
    EXPECT_EQ(engine.metrics().points.at(0).arms.size(), 3U);
  }
  Replay again = replay();
  ASSERT_TRUE(again.fold_to(change));
  EXPECT_EQ(again.state(), first);
  std::size_t equal = 0;
  ASSERT_TRUE(again.check_checkpoints(store->journal->last_position(),
                                      [&](const CheckpointCheck& check) { equal += check.equal ? 1 : 0; }));
  EXPECT_EQ(equal, 1U);
  ASSERT_TRUE(again.fold_to(store->journal->last_position()));
  EXPECT_EQ(again.state(), test::open(text("5", R"("a","b","c")"), store, clock).state());
}

TEST_F(Replays, SayWhatAnotherPolicyWouldHaveLearned) {
  const auto text = [](const std::string& policy) {
    return R"({"seed":1,"node":"n","points":{"p":{"policy":{"type":")" + policy + R"("},"arms":["a","b"]}}})";
  };
  {
    Engine engine = test::open(text("ucb1"), store, clock);
    Decision decision;
    for (int i = 0; i < 50; ++i) {
      ASSERT_EQ(engine.decide(engine.point("p").value(), {}, {}, decision), Errc::ok);
      ASSERT_EQ(engine.outcome(decision.id, decision.arm == "a" ? 1.0 : 0.0), Errc::ok);
      ASSERT_TRUE(engine.pump());
    }
  }
  Replay other = replay({.config = text("thompson_beta"), .credit_functions = {}});
  std::size_t outcomes = 0;
  ASSERT_TRUE(other.fold_to(100, [&](ByteView /*record*/, std::optional<Fate> fate) {
    outcomes += fate == Fate::learned ? 1 : 0;
  }));
  EXPECT_EQ(outcomes, 50U);
  EXPECT_EQ(other.metrics().points.at(0).policy, "thompson_beta");
  EXPECT_EQ(other.metrics().points.at(0).rewards.learned, 50U);
  const Result<Derivation> derived = other.derive(99);
  ASSERT_TRUE(derived);
  EXPECT_FALSE(derived->equal());
}

TEST_F(Replays, StartBehindWhatRetentionRemoved) {
  run(config("pump"), 60);
  const std::uint64_t removed = states.front().info.position;
  ReplaySource trimmed = source();
  trimmed.records = [&, all = trimmed.records](std::uint64_t first, const auto& visit) {
    return all(std::max(first, removed + 1), visit);
  };
  Replay again = Replay::open(trimmed).value();
  EXPECT_EQ(again.position(), removed);
  ASSERT_TRUE(again.fold_to(states.back().info.position));
  EXPECT_EQ(again.state(), states.back().state);
  states.clear();
  const Result<Replay> nothing = Replay::open(trimmed);
  ASSERT_TRUE(nothing);  // it can be opened, and says what is missing when it is to fold
  Replay empty = Replay::open(trimmed).value();
  EXPECT_EQ(empty.fold_to(removed + 5).error().code, Errc::invalid_argument);
}

TEST_F(Replays, OfAJournalWithoutAnEngineAreRefused) {
  const Result<Replay> refused = Replay::open(replay_source(*store->journal));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace attune::replay_test
