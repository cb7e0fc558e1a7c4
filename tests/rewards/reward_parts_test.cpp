// SPDX-License-Identifier: Apache-2.0
// RewardSink::parts: what each component added to the reward that is learned next.
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rewards/reward_fixture.hpp"

namespace attune::reward_parts_test {
namespace {

/// Keeps the parts with the reward that followed them.
class Sink final : public RewardSink {
 public:
  void parts(std::span<const double> terms) noexcept override { told_.assign(terms.begin(), terms.end()); }
  void learn(const PendingDecision& /*decision*/, double reward, RewardOrigin /*origin*/) noexcept override {
    learned.emplace_back(std::exchange(told_, {}), reward);
  }
  void experience(const PendingDecision& /*decision*/, double /*reward*/, const Input& /*next*/,
                  bool /*terminal*/, bool /*truncated*/) noexcept override {}
  void lost(const PendingDecision& /*decision*/, LossReason /*reason*/) noexcept override {}

  std::vector<std::pair<std::vector<double>, double>> learned;

 private:
  std::vector<double> told_;
};

class RewardParts : public ::testing::Test {
 protected:
  static RewardSpec spec() {
    RewardSpec out;
    out.components = {
        {.name = "quality", .weight = 2.0, .has_limit_max = true, .limit_max = 10.0},
        {.name = "cost", .weight = -1.0, .required = false, .has_default = true, .default_value = 3.0},
        {.name = "bonus", .required = false}};
    out.join_window_s = 10.0;
    out.silence = Silence::default_value;
    out.default_reward = 7.0;
    out.breach_reward = -5.0;
    return out;
  }
  void decide(Collector& collector, std::uint64_t n, Nanos time) {
    DecisionRecord record;
    record.header.id = test::id_of(n);
    record.header.time = time;
    ASSERT_EQ(collector.on_decision(record, sink), Errc::ok);
  }
  Fate say(Collector& collector, std::uint64_t n, Nanos time, std::string_view name, double value) {
    OutcomeRecord record;
    record.header.id = test::id_of(n);
    record.header.time = time;
    record.component_count = 1;
    record.components[0] = {.name = name, .value = value};
    return collector.on_outcome(record, sink);
  }

  Sink sink;
};

TEST_F(RewardParts, AreWeightedAndDefaultsStandInForWhatIsMissing) {
  Collector collector = Collector::make(spec()).value();
  decide(collector, 1, 0);
  ASSERT_EQ(say(collector, 1, kSecond, "bonus", 0.5), Fate::waiting);
  ASSERT_EQ(say(collector, 1, kSecond, "quality", 4.0), Fate::learned);
  ASSERT_EQ(sink.learned.size(), 1U);
  EXPECT_EQ(sink.learned[0].first, (std::vector<double>{8.0, -3.0, 0.5}));
  EXPECT_EQ(sink.learned[0].second, 5.5);
}

TEST_F(RewardParts, AreZeroWhereADefaultOrABreachStandsForTheWhole) {
  Collector collector = Collector::make(spec()).value();
  decide(collector, 1, 0);
  ASSERT_EQ(say(collector, 1, kSecond, "bonus", 0.5), Fate::waiting);
  decide(collector, 2, kSecond);
  ASSERT_EQ(say(collector, 2, 2 * kSecond, "quality", 11.0), Fate::learned);
  collector.on_time(20 * kSecond, sink);
  const std::vector<double> none(3, 0.0);
  ASSERT_EQ(sink.learned.size(), 2U);
  EXPECT_EQ(sink.learned[0], std::pair(none, -5.0));
  EXPECT_EQ(sink.learned[1], std::pair(none, 7.0));
}

TEST_F(RewardParts, AreToldOfLateRewardsToo) {
  RewardSpec late = spec();
  late.silence = Silence::discard;
  late.late = Lateness::learn;
  Collector collector = Collector::make(late).value();
  decide(collector, 1, 0);
  ASSERT_EQ(say(collector, 1, 60 * kSecond, "quality", 1.0), Fate::learned_late);
  ASSERT_EQ(sink.learned.size(), 1U);
  EXPECT_EQ(sink.learned[0].first, (std::vector<double>{2.0, -3.0, 0.0}));
}

}  // namespace
}  // namespace attune::reward_parts_test
