// SPDX-License-Identifier: Apache-2.0
// Saving and loading: bit for bit, and never fooled by damaged bytes.
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/rewards/collector.hpp>

#include "tests/rewards/reward_fixture.hpp"

namespace attune::collector_state_test {
namespace {

using test::Bench;

constexpr std::uint64_t kGame = 42;

/// A specification under which `lived_in` fills every part of the state.
RewardSpec rich_spec(Credit credit) {
  RewardSpec spec;
  spec.components = {{.name = "quality", .aggregate = Aggregation::sum, .normalise = Normalisation::running},
                     {.name = "cost", .weight = -1.0}};
  spec.join_window_s = 10;
  spec.credit = credit;
  spec.late = credit == Credit::own ? Lateness::learn : Lateness::discard;
  return spec;
}

/// Open and ended episodes, rewards that wait, keys, closed and dormant decisions.
Bench lived_in(Credit credit) {
  Bench bench(rich_spec(credit));
  bench.decide(1, 0, 0, {0.5});
  bench.say(1, 1, {{"quality", 1.0}, {"cost", 0.5}}, {.key = 77});
  bench.decide(2, 1, 0, {0.25, 1.0});
  bench.say(2, 2, {{"cost", 0.5}});
  bench.decide(3, 9, kGame, {1.0});
  bench.decide(4, 9, kGame, {2.0});
  bench.decide(5, 9, kGame + 1, {3.0});
  bench.wait_until(11.5);  // 2 is silent
  bench.decide(6, 12, kGame + 1, {});
  bench.say(4, 12, {{"quality", 2.0}, {"cost", 0.0}}, {.truncated = true, .next = {7.0}});
  bench.say(6, 12, {{"quality", 2.0}}, {.key = 5});
  bench.say(6, 12, {{"quality", 3.0}}, {.key = 6});
  bench.say(6, 12, {{"cost", 3.0}});
  bench.calls();
  return bench;
}

Result<void> load(Collector& collector, ByteView bytes) {
  Reader reader(bytes);
  return collector.load(reader);
}

/// Uses a loaded collector in every way; whatever it holds must not break it.
void exercise(Bench& bench) {
  for (std::uint64_t n = 0; n < 8; ++n) {
    bench.say(n, 13, {{"quality", 1.0}, {"cost", 1.0}}, {.key = 9, .terminal = n % 2 == 0});
  }
  for (std::uint64_t n = 20; n < 26; ++n) {
    bench.decide(n, 14, kGame + n % 2, {1.0});
  }
  bench.end(kGame, 15);
  EXPECT_FALSE(bench.state().empty());
  bench.collector.on_time(std::numeric_limits<Nanos>::max(), bench.sink);
  EXPECT_EQ(bench.collector.pending(), 0U);
}

class CollectorState : public testing::TestWithParam<Credit> {};

TEST_P(CollectorState, GoesOnAsIfNothingHadHappened) {
  Bench original = lived_in(GetParam());
  Bench copy(rich_spec(GetParam()));
  const Bytes saved = original.state();
  ASSERT_TRUE(load(copy.collector, saved));
  EXPECT_TRUE(copy.collector == original.collector);
  EXPECT_EQ(copy.state(), saved);
  EXPECT_EQ(copy.counters(), original.counters());
  exercise(original);
  exercise(copy);
  EXPECT_EQ(copy.calls(), original.calls());
  EXPECT_EQ(copy.state(), original.state());
}

TEST_P(CollectorState, EveryCutIsRefusedAndChangesNothing) {
  const Bytes saved = lived_in(GetParam()).state();
  Bench victim(rich_spec(GetParam()));
  victim.decide(99, 0);
  const Bytes before = victim.state();
  for (std::size_t length = 0; length < saved.size(); ++length) {
    const Result<void> verdict = load(victim.collector, ByteView(saved).first(length));
    ASSERT_FALSE(verdict) << "cut at " << length;
  }
  EXPECT_EQ(victim.state(), before);
}

TEST_P(CollectorState, EveryFlippedBitIsRefusedOrHarmless) {
  const Bytes saved = lived_in(GetParam()).state();
  Bench empty(rich_spec(GetParam()));
  const Bytes before = empty.state();
  int refused = 0;
  for (std::size_t bit = 0; bit < saved.size() * 8; ++bit) {
    Bytes damaged = saved;
    damaged[bit / 8] ^= std::byte{1} << (bit % 8);
    Bench victim(rich_spec(GetParam()));
    Reader reader(damaged);
    if (!victim.collector.load(reader)) {
      ++refused;
      ASSERT_TRUE(victim.state() == before) << "bit " << bit;
      continue;
    }
    damaged.resize(damaged.size() - reader.left());  // a smaller count of closed decisions is a shorter state
    ASSERT_TRUE(victim.state() == damaged) << "bit " << bit << ": the bytes are canonical";
    exercise(victim);
  }
  EXPECT_GT(refused, 500);
}

INSTANTIATE_TEST_SUITE_P(Credits, CollectorState,
                         testing::Values(Credit::own, Credit::last, Credit::discounted, Credit::transition));

TEST(CollectorStateRules, OtherRulesAreToldFromDamage) {
  const Bytes saved = lived_in(Credit::own).state();
  RewardSpec other = rich_spec(Credit::own);
  other.components[1].name = "price";
  Bench renamed(other);
  EXPECT_EQ(load(renamed.collector, saved).error().code, Errc::invalid_config);
  Bench chained(rich_spec(Credit::uniform));
  EXPECT_EQ(load(chained.collector, saved).error().code, Errc::invalid_config);
  Bytes future = saved;
  future[0] = std::byte{2};
  Bench same(rich_spec(Credit::own));
  EXPECT_EQ(load(same.collector, future).error().code, Errc::corrupt_state);
}

TEST(CollectorStateRules, NewBoundsAndWindowsHoldFromNowOn) {
  Bench wide(rich_spec(Credit::own));
  for (std::uint64_t n = 1; n <= 6; ++n) {
    wide.decide(n, 0);
    if (n <= 3) {
      wide.say(n, 0, {{"quality", 1.0}, {"cost", 0.0}});
    }
  }
  RewardSpec spec = rich_spec(Credit::own);
  spec.max_pending = 2;
  spec.max_closed = 1;
  spec.join_window_s = 5;
  Bench narrow(spec);
  ASSERT_TRUE(load(narrow.collector, wide.state()));
  EXPECT_EQ(narrow.collector.pending(), 3U);
  EXPECT_EQ(narrow.say(2, 1, {{"cost", 0.0}}), Fate::unknown_decision);
  EXPECT_EQ(narrow.say(3, 1, {{"cost", 0.0}}, {.key = 5}), Fate::late);
  narrow.decide(7, 1);
  EXPECT_EQ(narrow.collector.pending(), 2U);
  narrow.wait_until(5);
  EXPECT_EQ(narrow.collector.pending(), 1U);
}

TEST(CollectorStateRules, EqualityIsOfStateAndRules) {
  Bench left(rich_spec(Credit::own));
  Bench right(rich_spec(Credit::own));
  EXPECT_TRUE(left.collector == right.collector);
  left.decide(1, 0);
  EXPECT_FALSE(left.collector == right.collector);
  right.decide(1, 0);
  EXPECT_TRUE(left.collector == right.collector);
  RewardSpec other = rich_spec(Credit::own);
  other.breach_reward = 1.0;
  Bench third(other);
  third.decide(1, 0);
  EXPECT_EQ(third.state(), left.state());
  EXPECT_FALSE(third.collector == left.collector);
}

TEST(CollectorStateRules, TheOrderOfFreedSlotsDoesNotShow) {
  Bench left(rich_spec(Credit::own));
  Bench right(rich_spec(Credit::own));
  for (const std::uint64_t n : {1U, 2U, 3U, 4U}) {
    left.decide(n, 0);
    right.decide(n, 0);
  }
  // The same records in the same order; but `right` was loaded on the way and so has its slots elsewhere.
  left.say(2, 0, {{"quality", 1.0}, {"cost", 0.0}});
  right.say(2, 0, {{"quality", 1.0}, {"cost", 0.0}});
  Bench loaded(rich_spec(Credit::own));
  ASSERT_TRUE(load(loaded.collector, right.state()));
  for (Bench* bench : {&left, &loaded}) {
    bench->decide(5, 1);
    bench->say(1, 1, {{"quality", 0.5}, {"cost", 0.0}});
    bench->decide(6, 1);
  }
  EXPECT_EQ(left.state(), loaded.state());
}

}  // namespace
}  // namespace attune::collector_state_test
