// SPDX-License-Identifier: Apache-2.0
// No allocation after warm-up, and memory that stays within its bounds.
#include <array>
#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

#include <attune/rewards/collector.hpp>

#include "tests/rewards/reward_fixture.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::collector_memory_test {
namespace {

/// A sink that only counts: the recording one allocates.
class CountingSink final : public RewardSink {
 public:
  void learn(const PendingDecision&, double, RewardOrigin) noexcept override { ++calls; }
  void experience(const PendingDecision&, double, const Input&, bool, bool) noexcept override { ++calls; }
  void lost(const PendingDecision&, LossReason) noexcept override { ++calls; }
  std::uint64_t calls = 0;
};

/// Cheap reproducible numbers (an LCG's high bits); nothing here depends on their quality.
class Numbers {
 public:
  std::uint64_t below(std::uint64_t bound) noexcept {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state_ >> 33U) % bound;
  }

 private:
  std::uint64_t state_ = 20261121;
};

/// A stream with everything in it: late, double, unknown, many signals, episodes that end anywhere.
class Stream {
 public:
  explicit Stream(Collector& collector) : collector_(collector) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      time_ += static_cast<Nanos>(numbers_.below(kSecond));
      if (numbers_.below(3) == 0) {
        decide();
      } else {
        report();
      }
    }
  }
  [[nodiscard]] std::uint64_t calls() const { return sink_.calls; }

 private:
  void decide() {
    DecisionRecord record;
    record.header.id = test::id_of(made_++);
    record.header.time = time_;
    record.episode = numbers_.below(6);
    record.input.dense = std::span(state_).first(numbers_.below(state_.size() + 1));
    record.action_features = std::span(state_).first(2);
    static_cast<void>(collector_.on_decision(record, sink_));  // refused ones are part of it
  }
  void report() {
    OutcomeRecord record;
    record.header.id = test::id_of(made_ - std::min<std::uint64_t>(made_, numbers_.below(60)));
    record.header.time = time_;
    record.header.flags = static_cast<std::uint16_t>(numbers_.below(12) == 0 ? 1 + numbers_.below(2) : 0);
    record.key = numbers_.below(6);
    record.component_count = 1 + static_cast<std::uint32_t>(numbers_.below(2));
    record.components[0] = {"a", static_cast<double>(numbers_.below(2))};
    record.components[1] = {"b", static_cast<double>(numbers_.below(2))};
    record.next.dense = state_;
    collector_.on_outcome(record, sink_);
  }

  Collector& collector_;
  CountingSink sink_;
  Numbers numbers_;
  std::uint64_t made_ = 0;
  Nanos time_ = 0;
  std::array<double, 8> state_{1, 2, 3, 4, 5, 6, 7, 8};
};

class CollectorMemory : public testing::TestWithParam<Credit> {
 protected:
  static RewardSpec spec() {
    RewardSpec spec;
    spec.components = {{.name = "a", .aggregate = Aggregation::sum, .normalise = Normalisation::running},
                       {.name = "b", .weight = 0.5}};
    spec.join_window_s = 40;
    spec.closing = Closing::window;
    spec.silence = Silence::censor;
    spec.credit = GetParam();
    spec.late = GetParam() == Credit::own ? Lateness::learn : Lateness::discard;
    spec.max_pending = 24;
    spec.max_closed = 16;
    spec.max_signals = 4;
    return spec;
  }
};

TEST_P(CollectorMemory, IsAllocatedAtOnceAndNeverAgain) {
  Collector collector = Collector::make(spec()).value();
  collector.reserve({.pending = 24, .closed = 16, .signals = 4, .dense = 8, .action_features = 2});
  Stream stream(collector);
  const test::AllocationCount count;
  stream.run(100'000);
  const std::size_t allocated = count.count();
  EXPECT_EQ(allocated, 0U);
  EXPECT_GT(stream.calls(), 10'000U);
  EXPECT_LE(collector.pending(), 24U);
  EXPECT_GT(collector.counters().overflow_expired, 100U);
  EXPECT_GT(collector.counters().too_many, 20U);
  EXPECT_GT(collector.counters().learned, 1'000U);
}

INSTANTIATE_TEST_SUITE_P(Credits, CollectorMemory,
                         testing::Values(Credit::own, Credit::last, Credit::uniform, Credit::discounted,
                                         Credit::transition));

TEST(CollectorBounds, WarmsUpByItself) {
  RewardSpec spec;
  spec.max_closed = 50;
  Collector collector = Collector::make(spec).value();
  CountingSink sink;
  const std::array<double, 8> state{};
  const auto run = [&](std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t n = from; n < to; ++n) {
      DecisionRecord decision;
      decision.header.id = test::id_of(n);
      decision.input.dense = state;
      static_cast<void>(collector.on_decision(decision, sink));
      OutcomeRecord outcome;
      outcome.header.id = test::id_of(n - std::min<std::uint64_t>(n, 20));
      outcome.component_count = 1;
      outcome.components[0] = {"reward", 1.0};
      collector.on_outcome(outcome, sink);
    }
  };
  run(0, 200);
  const test::AllocationCount count;
  run(200, 20'000);
  const std::size_t allocated = count.count();
  EXPECT_EQ(allocated, 0U);
  EXPECT_EQ(collector.counters().learned, 20'000U - 20U);
}

TEST(CollectorBounds, HoldNoMoreThanMaxPendingWhateverComes) {
  RewardSpec spec;
  spec.max_pending = 1'000;
  spec.max_closed = 1'000;
  Collector collector = Collector::make(spec).value();
  CountingSink sink;
  std::size_t most = 0;
  for (std::uint64_t n = 0; n < 100'000; ++n) {
    DecisionRecord record;
    record.header.id = test::id_of(n);
    ASSERT_EQ(collector.on_decision(record, sink), Errc::ok);
    most = std::max(most, collector.pending());
  }
  EXPECT_EQ(most, 1'000U);
  EXPECT_EQ(collector.counters().overflow_lost, 99'000U);
  Writer writer;
  collector.save(writer);
  EXPECT_LT(writer.size(), 300'000U);  // 2,000 decisions of about 130 bytes at most
}

}  // namespace
}  // namespace attune::collector_memory_test
