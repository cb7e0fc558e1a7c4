// SPDX-License-Identifier: Apache-2.0
#include "simulations/op_schedule.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/statistics.hpp"

namespace attune::sim::op_schedule_test {
namespace {

constexpr Nanos kStart = 1'000 * kSecond;

std::vector<Op> all_operations(const Delivery& delivery, std::uint64_t seed, std::uint64_t horizon,
                               std::size_t components = 1) {
  OpSchedule schedule(delivery, seed, horizon, components, kStart, kSecond);
  std::vector<Op> out;
  Op op;
  while (schedule.next(op)) {
    out.push_back(op);
  }
  return out;
}

TEST(OpSchedule, DeliversAtOnceBeforeTheNextDecision) {
  const std::vector<Op> ops = all_operations({}, 1, 3);
  ASSERT_EQ(ops.size(), 6U);
  for (std::size_t i = 0; i < ops.size(); ++i) {
    EXPECT_EQ(ops[i].decide, i % 2 == 0);
    EXPECT_EQ(ops[i].step, i / 2);
    EXPECT_EQ(ops[i].time, kStart + static_cast<Nanos>(i / 2) * kSecond);
  }
}

TEST(OpSchedule, AFixedDelayShiftsOutcomesAndTiesGoToTheOutcome) {
  const std::vector<Op> ops = all_operations({.delay = Delivery::Delay::fixed, .seconds = 2.0}, 1, 4);
  std::vector<std::pair<bool, std::uint64_t>> seen;
  for (const Op& op : ops) {
    seen.emplace_back(op.decide, op.step);
  }
  // Decisions at 0, 1, 2, 3; outcomes of 0, 1, 2, 3 at 2, 3, 4, 5.
  EXPECT_EQ(seen,
            (std::vector<std::pair<bool, std::uint64_t>>{
                {true, 0}, {true, 1}, {false, 0}, {true, 2}, {false, 1}, {true, 3}, {false, 2}, {false, 3}}));
}

TEST(OpSchedule, TimeNeverRunsBackwards) {
  const Delivery delivery{
      .delay = Delivery::Delay::exponential, .seconds = 20, .missing = 0.1, .duplicate = 0.2, .apart = true};
  const std::vector<Op> ops = all_operations(delivery, 5, 2000, 3);
  EXPECT_TRUE(
      std::is_sorted(ops.begin(), ops.end(), [](const Op& a, const Op& b) { return a.time < b.time; }));
}

TEST(OpSchedule, DelaysAreExponentialAndLossesAndCopiesAsOftenAsSaid) {
  constexpr std::uint64_t kSteps = 20'000;
  const Delivery delivery{
      .delay = Delivery::Delay::exponential, .seconds = 30, .missing = 0.2, .duplicate = 0.3};
  std::vector<double> delays;
  std::map<std::uint64_t, int> copies;
  for (const Op& op : all_operations(delivery, 7, kSteps)) {
    if (!op.decide) {
      delays.push_back(static_cast<double>(op.time - kStart - static_cast<Nanos>(op.step) * kSecond) / 1e9);
      ++copies[op.step];
    }
  }
  EXPECT_TRUE(test::follows(delays, [](double x) { return -std::expm1(-x / 30.0); }));
  const auto came = static_cast<double>(copies.size());
  const auto twice = static_cast<double>(
      std::count_if(copies.begin(), copies.end(), [](const auto& c) { return c.second == 2; }));
  EXPECT_TRUE(test::mean_matches(came / kSteps, 0.8, 0.4, kSteps));
  EXPECT_TRUE(test::mean_matches(twice / came, 0.3, std::sqrt(0.21), came));
}

TEST(OpSchedule, SendsComponentsApartWhenTold) {
  const std::vector<Op> ops = all_operations({.apart = true}, 1, 1, 3);
  ASSERT_EQ(ops.size(), 4U);
  EXPECT_EQ(ops[1].component, 0U);
  EXPECT_EQ(ops[2].component, 1U);
  EXPECT_EQ(ops[3].component, 2U);
}

TEST(OpSchedule, ALongerRunBeginsAsAShorterOne) {
  const Delivery delivery{.delay = Delivery::Delay::exponential, .seconds = 5};
  const std::vector<Op> shorter = all_operations(delivery, 3, 50);
  const std::vector<Op> longer = all_operations(delivery, 3, 80);
  for (std::size_t i = 0; i < 60; ++i) {
    EXPECT_EQ(shorter[i].time, longer[i].time);
    EXPECT_EQ(shorter[i].step, longer[i].step);
  }
}

TEST(ReadDelivery, RefusesWhatItCannotMean) {
  const auto refusal = [](const char* text) {
    const Result<Delivery> read = read_delivery(nlohmann::json::parse(text));
    return read ? std::string() : read.error().message;
  };
  EXPECT_EQ(refusal(R"({"missing":1.5})"), "delivery.missing = 1.5 is outside [0, 1]");
  EXPECT_EQ(refusal(R"({"delay":{"type":"weekly"}})"),
            "delivery.delay.type = \"weekly\" must be one of none, fixed, exponential");
  EXPECT_EQ(refusal(R"({"delay":{"type":"fixed"}})"), "delivery.delay.seconds is missing");
  EXPECT_EQ(refusal(R"({"delay":{"type":"none","seconds":3}})"), "delivery.delay.seconds is not known here");
}

}  // namespace
}  // namespace attune::sim::op_schedule_test
