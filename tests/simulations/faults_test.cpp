// SPDX-License-Identifier: Apache-2.0
// What goes wrong in a scenario, and how often a service level was kept.
#include "simulations/faults.hpp"

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/op_schedule.hpp"
#include "simulations/output.hpp"
#include "simulations/report.hpp"
#include "simulations/runner.hpp"
#include "tests/simulations/sandbox.hpp"
#include "tests/support/statistics.hpp"

namespace attune::sim::faults_test {
namespace {

using nlohmann::json;
using test::refusal;
using test::Sandbox;
using test::scenario_of;

EnvironmentInfo two_arms() {
  EnvironmentInfo info;
  info.arms = {"a", "b"};
  info.components = {"quality", "latency"};
  return info;
}

std::vector<Fault> faults_of(const char* text) {
  Result<std::vector<Fault>> read = read_faults(json::parse(text), two_arms());
  EXPECT_TRUE(read) << read.error().message;
  return read.value_or(std::vector<Fault>{});
}

/// Every arm has quality 0.5 and latency 10 at every step; expected 0.4 and 8.
class Steady final : public Environment {
 public:
  [[nodiscard]] const EnvironmentInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::unique_ptr<World> start(std::uint64_t, std::uint64_t) const override {
    struct Same final : World {
      void step(std::uint64_t, Step& out) const override {
        out.outcome = {0.5, 10, 0.5, 10};
        out.expected = {0.4, 8, 0.4, 8};
      }
    };
    return std::make_unique<Same>();
  }

 private:
  EnvironmentInfo info_ = two_arms();
};

TEST(Faults, EveryMistakeIsAnsweredWithItsPath) {
  const auto scenario = [](const char* key, const char* value) {
    json document = json::parse(R"({"name":"t","horizon":10,"seeds":1,
        "environment":{"type":"bernoulli","means":[0.1,0.2]},"policies":[{"type":"ucb1"}]})");
    document[key] = json::parse(value);
    return document.dump();
  };
  const std::vector<std::array<const char*, 3>> cases{
      {"faults", "{}", "faults = {} must be a list"},
      {"faults", "[3]", "faults[0] = 3 must be an object"},
      {"faults", R"([{"hold":true}])", "faults[0].name is missing"},
      {"faults", R"([{"name":"x"}])", "faults[0] changes nothing"},
      {"faults", R"([{"name":"x","hold":true,"from":5,"until":5}])",
       "faults[0].until = 5 must come after from = 5"},
      {"faults", R"([{"name":"x","hold":true,"arms":["z"]}])",
       "faults[0].arms: the environment has no arm \"z\""},
      {"faults", R"([{"name":"x","set":{"cost":1}}])", "faults[0].set.cost is not known"},
      {"faults", R"([{"name":"x","scale":{"reward":"big"}}])",
       "faults[0].scale.reward = \"big\" must be a number"},
      {"faults", R"([{"name":"x","report":{"reward":1},"share":2}])",
       "faults[0].share = 2 is outside [0, 1]"},
      {"sla", R"({"latency":{"max":1}})", "sla.latency is not known"},
      {"sla", R"({"reward":{"most":1}})", "sla.reward.most is not known"},
      {"sla", R"({"reward":{"min":2,"max":1}})", "sla.reward: min is above max"},
      {"policies", R"([{"policy":{"type":"ucb1"},"point":{"arms":[]}}])",
       "policies[0].point.arms is what the scenario"},
      {"policies", R"([{"policy":{"type":"ucb1"},"point":{"moon":1}}])", "moon"},
  };
  for (const auto& [key, value, expected] : cases) {
    const std::string message = refusal(scenario(key, value));
    EXPECT_NE(message.find(expected), std::string::npos) << key << " = " << value << ": " << message;
  }
}

TEST(Faults, ChangeTheArmsAndStepsThatTheyName) {
  const auto faulty = with_faults(
      std::make_shared<Steady>(),
      faults_of(
          R"([{"name":"outage","arms":["b"],"from":10,"until":20,"set":{"quality":0},"scale":{"latency":3}},
                    {"name":"price","from":19,"scale":{"latency":2}}])"));
  const std::unique_ptr<World> world = faulty->start(1, 100);
  const auto outcome_at = [&](std::uint64_t t) {
    Step step;
    world->step(t, step);
    return step.outcome;
  };
  EXPECT_EQ(outcome_at(9), (std::vector<double>{0.5, 10, 0.5, 10}));
  EXPECT_EQ(outcome_at(10), (std::vector<double>{0.5, 10, 0, 30}));
  EXPECT_EQ(outcome_at(19), (std::vector<double>{0.5, 20, 0, 60}));
  EXPECT_EQ(outcome_at(20), (std::vector<double>{0.5, 20, 0.5, 20}));
  EXPECT_EQ(outcome_at(99), (std::vector<double>{0.5, 20, 0.5, 20}));
  Step step;
  world->step(10, step);
  EXPECT_EQ(step.expected, (std::vector<double>{0.4, 8, 0, 24}));
}

TEST(Faults, FalsifyTheirShareOfReportsAndOnlyThose) {
  const std::vector<Fault> faults = faults_of(
      R"([{"name":"forged","arms":["a"],"from":0,"until":20000,"report":{"quality":1},"share":0.3}])");
  std::uint64_t hit = 0;
  for (std::uint64_t t = 0; t < 20'000; ++t) {
    std::vector<double> first{0.5, 10};
    std::vector<double> again{0.5, 10};
    falsify(faults, 7, t, 0, first);
    falsify(faults, 7, t, 0, again);
    ASSERT_EQ(first, again);
    ASSERT_EQ(first[1], 10);
    hit += first[0] == 1.0 ? 1 : 0;
    std::vector<double> other{0.5, 10};
    falsify(faults, 7, t, 1, other);
    ASSERT_EQ(other, (std::vector<double>{0.5, 10})) << "arm b is not hit";
  }
  // Six deviations of the binomial: 1e-9.
  EXPECT_NEAR(static_cast<double>(hit), 6000.0, 6.0 * std::sqrt(20'000 * 0.3 * 0.7));
  std::vector<double> later{0.5, 10};
  falsify(faults, 7, 20'000, 0, later);
  EXPECT_EQ(later[0], 0.5);
}

TEST(Faults, HeldOutcomesAllComeWhenTheHoldEnds) {
  constexpr Nanos kStart = 1'000 * kSecond;
  OpSchedule schedule({.delay = Delivery::Delay::fixed, .seconds = 2.0}, 1, 10, 1, kStart, kSecond,
                      {{.from = kStart + 4 * kSecond, .until = kStart + 7 * kSecond}});
  std::vector<std::pair<std::uint64_t, Nanos>> came;
  Op op;
  while (schedule.next(op)) {
    if (!op.decide) {
      came.emplace_back(op.step, (op.time - kStart) / kSecond);
    }
  }
  // Due at 2 ... 11; those due at 4, 5 and 6 come at 7, before that of 7.
  EXPECT_EQ(came, (std::vector<std::pair<std::uint64_t, Nanos>>{
                      {0, 2}, {1, 3}, {2, 7}, {3, 7}, {4, 7}, {5, 7}, {6, 8}, {7, 9}, {8, 10}, {9, 11}}));
}

TEST(Faults, AreShownWithTheServiceLevelThatTheyBreak) {
  const Scenario scenario = scenario_of(R"({"name":"t","horizon":400,"seeds":2,
      "environment":{"type":"bernoulli","means":[1,1]},"sla":{"reward":{"min":0.5}},
      "faults":[{"name":"<outage>","from":100,"until":200,"set":{"reward":0}}],
      "policies":[{"type":"ucb1"}]})");
  const Result<ScenarioResult> result = run_scenario(scenario, {.jobs = 1, .progress = false});
  ASSERT_TRUE(result) << result.error().message;
  for (const ResultRow& row : result->rows) {
    for (const Course& course : row.courses) {
      EXPECT_DOUBLE_EQ(course.kept, 300.0) << row.name;
      ASSERT_EQ(course.kept_curve.size(), 200U);
      EXPECT_DOUBLE_EQ(course.kept_curve[49], 100.0);
      EXPECT_DOUBLE_EQ(course.kept_curve[99], 100.0);
      EXPECT_DOUBLE_EQ(course.kept_curve[199], 300.0);
    }
  }
  EXPECT_DOUBLE_EQ(result_json(scenario, *result)["results"][0]["sla_kept"]["mean"].get<double>(), 0.75);
  const std::string table = result_table(scenario, *result);
  EXPECT_NE(table.find("SLA kept %"), std::string::npos);
  EXPECT_NE(table.find("75.00"), std::string::npos);
  EXPECT_NE(table.find("fault: <outage>, steps 100 to 200"), std::string::npos);
  const std::string page = report_html(scenario, *result, {});
  EXPECT_NE(page.find("Service level"), std::string::npos);
  EXPECT_NE(page.find("class=\"fault\""), std::string::npos);
  EXPECT_NE(page.find("&lt;outage&gt;"), std::string::npos);
  EXPECT_EQ(page.find("<outage>"), std::string::npos);
}

TEST(Faults, WhatIsReportedIsLearnedAndWhatHappenedIsCounted) {
  // Arm b pays nothing but is reported to pay always: the policy is led there, and the account shows what it
  // cost.
  const Scenario scenario = scenario_of(R"({"name":"t","horizon":2000,"seeds":3,
      "environment":{"type":"bernoulli","means":[0.5,0],"arms":["a","b"]},
      "faults":[{"name":"forged","arms":["b"],"report":{"reward":1}}],
      "policies":[{"type":"ucb1"}]})");
  ASSERT_EQ(scenario.environment->info().arms, (std::vector<std::string>{"a", "b"}));
  const Result<ScenarioResult> result = run_scenario(scenario, {.jobs = 1, .progress = false});
  ASSERT_TRUE(result) << result.error().message;
  for (const Course& course : result->rows.back().courses) {
    EXPECT_GT(course.selections[1], 1500.0);
    EXPECT_LT(course.reward, 500.0);
  }
}

}  // namespace
}  // namespace attune::sim::faults_test
