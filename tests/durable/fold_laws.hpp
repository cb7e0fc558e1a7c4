// SPDX-License-Identifier: Apache-2.0
/// @file
/// What holds of everything that is a part of the fold: after restarts, in both modes and behind a damaged
/// checkpoint.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/engine/engine.hpp>
#include <attune/engine/replay.hpp>

#include "tests/support/shared_journal.hpp"

namespace attune::test {

/// A store, and the clock of the engines over it.
struct Place {
  std::shared_ptr<SharedJournal::Store> store = std::make_shared<SharedJournal::Store>();
  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
};

inline Result<Engine> try_open(const std::string& config, const Place& place, EngineOptions options = {}) {
  options.clock = place.clock;
  options.journal = std::make_unique<SharedJournal>(place.store);
  return Engine::open(config, std::move(options));
}

inline Engine open(const std::string& config, const Place& place, EngineOptions options = {}) {
  Result<Engine> engine = try_open(config, place, std::move(options));
  EXPECT_TRUE(engine) << engine.error().message;
  return std::move(*engine);
}

/// Arm "c" of point "p" goes and comes again, now and then.
inline void change_arms(Engine& engine, int i) {
  const PointId point = engine.point("p").value();
  if (i % 200 == 150) {
    ASSERT_TRUE(engine.remove_arm(point, "c"));
  } else if (i % 200 == 170) {
    ASSERT_TRUE(engine.add_arm(point, "c"));
  }
}

/// The decisions of a store that `chosen(record)` picks, each made again bit for bit; `check(derivation)`
/// looks at what came out. There must be more than `least`.
template <class Chosen, class Check>
void expect_derived(const std::shared_ptr<SharedJournal::Store>& store, std::size_t least,
                    const Chosen& chosen, const Check& check) {
  SharedJournal journal(store);
  Result<Replay> replay = Replay::open(replay_source(journal));
  ASSERT_TRUE(replay) << replay.error().message;
  std::vector<std::uint64_t> decisions;
  ASSERT_TRUE(journal.read(1, [&](ByteView bytes) {
    DecisionRecord record;
    if (decode(bytes, record) == Errc::ok && chosen(record)) {
      decisions.push_back(record.header.position);
    }
    return true;
  }));
  EXPECT_GT(decisions.size(), least);
  for (const std::uint64_t position : decisions) {
    const Result<Derivation> derived = replay->derive(position);
    ASSERT_TRUE(derived) << derived.error().message;
    ASSERT_TRUE(derived->equal()) << position << ": " << ::testing::PrintToString(derived->differences);
    ASSERT_NO_FATAL_FAILURE(check(*derived)) << position;
  }
}

/// Picks every n-th position.
[[nodiscard]] inline auto every(std::uint64_t n) {
  return [n](const DecisionRecord& record) { return record.header.position % n == 0; };
}

/// `rounds` times round(engine, rng, i), each learned at once.
template <class Round>
void play(Engine& engine, std::uint64_t seed, int rounds, const Round& round) {
  Rng rng(seed, 0, 0, 0);
  for (int i = 0; i < rounds; ++i) {
    round(engine, rng, i);
    ASSERT_TRUE(engine.pump());
  }
}

/// `straight`, and an engine over another store that open_right() opens again every 37 rounds, play the
/// same: their states are equal at every restart.
template <class OpenRight, class Round>
void expect_restarts_unseen(Engine& straight, const Place& place, int rounds, const OpenRight& open_right,
                            const Round& round) {
  auto stopped = std::make_unique<Engine>(open_right());
  Rng left(1, 0, 0, 0);
  Rng right(1, 0, 0, 0);
  for (int i = 0; i < rounds; ++i) {
    ASSERT_NO_FATAL_FAILURE(round(straight, left, i));
    ASSERT_NO_FATAL_FAILURE(round(*stopped, right, i));
    ASSERT_NO_FATAL_FAILURE(change_arms(straight, i));
    ASSERT_NO_FATAL_FAILURE(change_arms(*stopped, i));
    ASSERT_TRUE(straight.pump());
    ASSERT_TRUE(stopped->pump());
    if (i % 37 == 36) {
      ASSERT_EQ(straight.state(), stopped->state()) << i;
      stopped.reset();
      stopped = std::make_unique<Engine>(open_right());
      ASSERT_EQ(straight.state(), stopped->state()) << i;
      ASSERT_EQ(straight.health().reasons.size(), stopped->health().reasons.size()) << i;
    }
    place.clock->advance(kSecond);
  }
}

/// Three callers play `rounds` each against `engine`, which runs in thread mode; its state after them.
template <class Round>
Bytes state_after_callers(Engine& engine, const Place& place, int rounds, const Round& round) {
  std::vector<std::thread> callers;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    callers.emplace_back([&, seed] {
      Rng rng(100 + seed, 0, 0, 0);
      for (int i = 0; i < rounds; ++i) {
        round(engine, rng, i);
        place.clock->advance(kSecond / 4);
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_TRUE(engine.drain());
  return engine.state();
}

/// An engine over the same records with this checkpoint behind them.
inline Result<Engine> reopen_with(const std::string& config, const Place& place, const Bytes& state) {
  const Place other{std::make_shared<SharedJournal::Store>(), place.clock};
  SharedJournal journal(other.store);
  std::vector<Bytes> records;
  EXPECT_TRUE(place.store->journal->read(1, [&](ByteView record) {
    records.emplace_back(record.begin(), record.end());
    return true;
  }));
  const std::vector<ByteView> views(records.begin(), records.end());
  EXPECT_TRUE(journal.append(views, state, place.clock->now(), "", 3));
  return try_open(config, other);
}

/// Bytes of the state from `begins` on, `apart` of each other, are damaged in turn: what is read must be
/// refused with a message, or be a state that can be folded on.
template <class Round>
void expect_damage_refused_or_harmless(const std::string& config, const Place& place, const Bytes& state,
                                       std::size_t begins, std::size_t apart, const Round& round) {
  ASSERT_TRUE(reopen_with(config, place, state));
  int refused = 0;
  int taken = 0;
  for (std::size_t at = begins; at < state.size(); at += apart) {
    for (const unsigned flip : {0x01U, 0x80U}) {
      Bytes damaged = state;
      damaged[at] ^= static_cast<std::byte>(flip);
      Result<Engine> engine = reopen_with(config, place, damaged);
      if (!engine) {
        ++refused;
        EXPECT_FALSE(engine.error().message.empty());
        continue;
      }
      ++taken;
      ASSERT_NO_FATAL_FAILURE(play(*engine, 6, 3, round));
    }
  }
  EXPECT_GT(refused, 20);
  EXPECT_GT(taken, 0);
}

}  // namespace attune::test
