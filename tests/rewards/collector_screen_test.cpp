// SPDX-License-Identifier: Apache-2.0
// RewardSink::screen: what it is asked, and what its answers do.
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/rewards/collector.hpp>

namespace attune::collector_screen_test {
namespace {

/// Answers as the test says, and notes what it was asked and told.
class Sink final : public RewardSink {
 public:
  void learn(const PendingDecision& /*decision*/, double reward, RewardOrigin origin) noexcept override {
    learned.emplace_back(reward, origin);
  }
  void experience(const PendingDecision& /*decision*/, double /*reward*/, const Input& /*next*/,
                  bool /*terminal*/, bool /*truncated*/) noexcept override {}
  void lost(const PendingDecision& /*decision*/, LossReason /*reason*/) noexcept override { ++losses; }
  Fate screen(const PendingDecision& decision, const OutcomeRecord& /*record*/, std::uint32_t fresh,
              std::span<double> values) noexcept override {
    asked.emplace_back(decision.arm, fresh);
    for (double& value : values) {
      value = value > most ? most : value;
    }
    return answer;
  }

  Fate answer = Fate::waiting;
  double most = 1e9;
  std::vector<std::pair<double, RewardOrigin>> learned;
  std::vector<std::pair<ArmIndex, std::uint32_t>> asked;
  int losses = 0;
};

class CollectorScreen : public ::testing::Test {
 protected:
  explicit CollectorScreen(Lateness late = Lateness::discard) {
    RewardSpec spec;
    spec.components = {{.name = "quality"}, {.name = "cost", .weight = -1.0}};
    spec.join_window_s = 10.0;
    spec.late = late;
    collector.emplace(std::move(Collector::make(spec)).value());
  }
  void decide(std::uint64_t id) {
    DecisionRecord record;
    record.header.id = Uuid::v7(1, id, id);
    record.header.time = time;
    record.header.position = ++position;
    record.arm = to_arm(2);
    ASSERT_EQ(collector->on_decision(record, sink), Errc::ok);
  }
  Fate report(std::uint64_t id, std::vector<Component> parts) {
    OutcomeRecord record;
    record.header.id = Uuid::v7(1, id, id);
    record.header.time = time;
    record.header.position = ++position;
    for (const Component& part : parts) {
      record.components[record.component_count++] = part;
    }
    return collector->on_outcome(record, sink);
  }

  Nanos time = kSecond;
  std::uint64_t position = 0;
  Sink sink;
  std::optional<Collector> collector;
};

class CollectorScreenLate : public CollectorScreen {
 protected:
  CollectorScreenLate() : CollectorScreen(Lateness::learn) {}
};

TEST_F(CollectorScreen, IsAskedOnceAboutWhatIsNew) {
  decide(1);
  EXPECT_EQ(report(1, {{"quality", 1.0}}), Fate::waiting);
  EXPECT_EQ(report(1, {{"quality", 1.0}}), Fate::duplicate);
  EXPECT_EQ(report(1, {{"quality", 2.0}}), Fate::conflict);
  EXPECT_EQ(report(1, {{"speed", 2.0}}), Fate::unknown_component);
  EXPECT_EQ(report(7, {{"quality", 2.0}}), Fate::unknown_decision);
  ASSERT_EQ(sink.asked.size(), 1U);
  EXPECT_EQ(sink.asked[0], std::pair(to_arm(2), std::uint32_t{1}));
  EXPECT_EQ(report(1, {{"quality", 1.0}, {"cost", 0.25}}), Fate::learned);
  ASSERT_EQ(sink.asked.size(), 2U);
  EXPECT_EQ(sink.asked[1].second, 2U) << "the second component alone is new";
  EXPECT_EQ(report(1, {{"cost", 0.25}}), Fate::duplicate);
  EXPECT_EQ(report(1, {{"cost", 0.5}}), Fate::conflict);
  EXPECT_EQ(sink.asked.size(), 2U);
  ASSERT_EQ(sink.learned.size(), 1U);
  EXPECT_DOUBLE_EQ(sink.learned[0].first, 0.75);
}

TEST_F(CollectorScreen, ARefusalLeavesEverythingAsItWas) {
  decide(1);
  for (const Fate fate : {Fate::rejected, Fate::capped}) {
    sink.answer = fate;
    EXPECT_EQ(report(1, {{"quality", 1.0}, {"cost", 0.25}}), fate);
    EXPECT_EQ(collector->joined(), 0U);
  }
  EXPECT_EQ(collector->counters().outcomes, 2U);
  EXPECT_EQ(collector->pending(), 1U);
  sink.answer = Fate::waiting;
  EXPECT_EQ(report(1, {{"quality", 5.0}, {"cost", 0.25}}), Fate::learned) << "other values are no conflict";
  EXPECT_DOUBLE_EQ(sink.learned.at(0).first, 4.75);
}

TEST_F(CollectorScreen, WhatIsPutInPlaceIsJoinedAndDuplicatesAreToldByWhatCame) {
  decide(1);
  sink.most = 2.0;
  EXPECT_EQ(report(1, {{"quality", 50.0}}), Fate::waiting);
  EXPECT_EQ(report(1, {{"quality", 50.0}}), Fate::duplicate);
  EXPECT_EQ(report(1, {{"quality", 2.0}}), Fate::conflict);
  EXPECT_EQ(report(1, {{"cost", 0.5}}), Fate::learned);
  EXPECT_DOUBLE_EQ(sink.learned.at(0).first, 1.5);
}

TEST_F(CollectorScreen, ARefusedDecisionEndsWithItsWindow) {
  decide(1);
  sink.answer = Fate::rejected;
  EXPECT_EQ(report(1, {{"quality", 1.0}, {"cost", 0.25}}), Fate::rejected);
  collector->on_time(20 * kSecond, sink);
  EXPECT_EQ(sink.losses, 1);
  EXPECT_EQ(collector->pending(), 0U);
  time = 21 * kSecond;
  EXPECT_EQ(report(1, {{"quality", 1.0}}), Fate::late);
  EXPECT_EQ(sink.asked.size(), 1U);
}

TEST_F(CollectorScreenLate, LateOutcomesThatAreLearnedAreScreenedToo) {
  decide(1);
  time = 30 * kSecond;
  sink.answer = Fate::rejected;
  EXPECT_EQ(report(1, {{"quality", 9.0}, {"cost", 0.0}}), Fate::rejected);
  sink.answer = Fate::waiting;
  sink.most = 1.0;
  EXPECT_EQ(report(1, {{"quality", 9.0}, {"cost", 0.0}}), Fate::learned_late);
  ASSERT_EQ(sink.learned.size(), 1U);
  EXPECT_DOUBLE_EQ(sink.learned[0].first, 1.0);
  EXPECT_EQ(sink.learned[0].second, RewardOrigin::late);
}

}  // namespace
}  // namespace attune::collector_screen_test
