// SPDX-License-Identifier: Apache-2.0
// Guards through the engine: they trip, hold back, test again and let go; propensities stay true meanwhile.
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "tests/engine/safety_fixture.hpp"

namespace attune::guards_test {
namespace {

using test::SafetyTest;

class GuardsTest : public SafetyTest {
 protected:
  static std::vector<Component> both(std::string_view name, double value, double reward = 0.5) {
    return {{.name = "reward", .value = reward}, {.name = name, .value = value}};
  }
  /// Rounds until the guard of an arm is in a state; false: not within `most`.
  bool until(std::string_view arm, std::string_view state, const World& world, int most = 5000) {
    for (int i = 0; i < most; ++i) {
      if (guard(arm).state == state) {
        return true;
      }
      round(world);
    }
    return false;
  }
  static constexpr std::string_view kErrors =
      R"("guards":[{"kind":"rate","component":"error","limit":0.2,"min_samples":10,"window":100,"cooldown_s":60}])";
};

TEST_F(GuardsTest, AnArmThatFailsIsTakenOutTestedAndComesBack) {
  open(config(kErrors));
  bool broken = true;
  const World world = [&](std::string_view arm) { return both("error", arm == "b" && broken ? 1.0 : 0.0); };
  ASSERT_TRUE(until("b", "tripped", world));
  EXPECT_EQ(guard("b").trips, 1U);
  EXPECT_EQ(safety().held_back, 1U);
  EXPECT_EQ(engine->health().level, EngineHealth::Level::degraded);
  EXPECT_NE(engine->health().reasons.at(0).sentence.find("has taken out arm 'b' of 'p'"), std::string::npos);
  EXPECT_EQ(rounds(300, world).count("b"), 0U);
  EXPECT_EQ(guard("b").state, "tripped");  // time stands still: no cool-down ends
  clock->advance(61 * kSecond);
  ASSERT_TRUE(engine->pump());  // a tick, without any traffic
  EXPECT_EQ(guard("b").state, "probation");
  // Still broken: out again, twice as long.
  ASSERT_TRUE(until("b", "tripped", world));
  EXPECT_EQ(guard("b").trips, 2U);
  clock->advance(61 * kSecond);
  ASSERT_TRUE(engine->pump());
  EXPECT_EQ(guard("b").state, "tripped");
  clock->advance(60 * kSecond);
  ASSERT_TRUE(engine->pump());
  EXPECT_EQ(guard("b").state, "probation");
  broken = false;
  ASSERT_TRUE(until("b", "quiet", world));
  EXPECT_EQ(safety().held_back, 0U);
  EXPECT_EQ(engine->health().level, EngineHealth::Level::ok);
  EXPECT_GT(rounds(300, world)["b"], 0);
}

TEST_F(GuardsTest, OnProbationAnArmGetsItsShareAndNoMoreAndPropensitiesAreTrue) {
  open(config(R"("guards":[{"kind":"rate","component":"error","limit":0.2,"min_samples":10,"window":100,)"
              R"("cooldown_s":60,"probation_samples":1000000}],"probation_share":0.1)"));
  const World world = [](std::string_view arm) { return both("error", arm == "b" ? 1.0 : 0.0); };
  ASSERT_TRUE(until("b", "tripped", world));
  clock->advance(61 * kSecond);
  ASSERT_TRUE(engine->pump());
  // Nothing is learned from here on, so that every decision has the same distribution.
  ASSERT_TRUE(engine->freeze(point, true, ops()));
  const int n = 20'000;
  std::map<std::string, int> chosen;
  std::map<std::string, double> expected;
  for (int i = 0; i < n; ++i) {
    const Decision decision = decide();
    const std::string arm(decision.arm);
    ++chosen[arm];
    expected[arm] = decision.propensity;
    ASSERT_EQ(decision.rung, Rung::policy);
    ASSERT_EQ(decision.reason, arm == "b" ? ChoiceReason::probation : ChoiceReason::usual);
  }
  EXPECT_DOUBLE_EQ(expected["b"], 0.1);
  double sum = 0.0;
  for (const auto& [arm, p] : expected) {
    sum += p;
    EXPECT_NEAR(chosen[arm], n * p, 5 * std::sqrt(n * p * (1 - p))) << arm;  // five standard deviations
  }
  EXPECT_NEAR(sum, 1.0, 1e-12);
}

TEST_F(GuardsTest, ASlowArmIsTakenOutByItsPercentile) {
  open(config(
      R"("guards":[{"kind":"latency","component":"latency","limit":2,"quantile":0.9,"recover":1.5}])"));
  int calls = 0;
  // One call in five takes 5 s: the 90th percentile is above 2, the median is not.
  const World world = [&](std::string_view arm) {
    return both("latency", arm == "c" && ++calls % 5 == 0 ? 5.0 : 1.0);
  };
  ASSERT_TRUE(until("c", "tripped", world));
  EXPECT_EQ(guard("a").state, "quiet");
  EXPECT_EQ(guard("c").kind, "latency");
}

TEST_F(GuardsTest, AnUnluckyFewDoNotTripARate) {
  open(config(kErrors, R"({"type":"ucb1"})", R"(["a"])"));
  int calls = 0;
  // 30 % of 10 samples is above the limit of 20 %, but Wilson's lower bound is 0.127.
  rounds(10, [&](std::string_view) { return both("error", ++calls <= 3 ? 1.0 : 0.0); });
  EXPECT_EQ(guard("a").state, "quiet");
  EXPECT_EQ(guard("a").value, 0.3);
}

TEST_F(GuardsTest, WatchingChangesNothing) {
  open(config(
      R"("guards":[{"kind":"rate","component":"error","limit":0.2,"min_samples":10,"action":"watch"}])"));
  const World world = [](std::string_view) { return both("error", 1.0); };
  ASSERT_TRUE(until("a", "tripped", world));
  EXPECT_EQ(safety().held_back, 0U);
  EXPECT_NE(engine->health().reasons.at(0).sentence.find("would have acted on arm"), std::string::npos);
}

TEST_F(GuardsTest, WhenEveryArmIsOutTheDefaultArmAnswers) {
  open(config(kErrors, R"({"type":"ucb1"})", R"(["a","b","c"])", R"(,"fallback":"c")"));
  const World world = [](std::string_view) { return both("error", 1.0); };
  rounds(200, world);
  EXPECT_EQ(safety().held_back, 3U);
  const Decision decision = decide();
  EXPECT_EQ(decision.arm, "c");
  EXPECT_EQ(decision.rung, Rung::fallback);
  EXPECT_EQ(decision.reason, ChoiceReason::no_sound_arm);
  const std::array<std::string_view, 1> offered{"a"};
  EXPECT_EQ(decide(offered).rung, Rung::uniform);  // somebody must answer
}

TEST_F(GuardsTest, ABudgetIsPerPeriodAndCarriesOver) {
  open(config(R"("guards":[{"kind":"budget","component":"cost","limit":10,"period_s":100,"carry_over":0.5}])",
              R"({"type":"ucb1"})", R"(["a","b"])"));
  const World world = [](std::string_view arm) { return both("cost", arm == "a" ? 1.0 : 0.0); };
  const auto spend = [&] {
    int paid = 0;
    while (guard("a").state != "tripped") {
      paid += round(world).arm == "a" ? 1 : 0;
    }
    return paid;
  };
  clock->set(1'000'000 * kSecond);
  EXPECT_EQ(spend(), 10);
  EXPECT_EQ(rounds(50, world).count("a"), 0U);
  clock->advance(100 * kSecond);
  ASSERT_TRUE(engine->pump());
  EXPECT_EQ(guard("a").state, "quiet");
  EXPECT_EQ(spend(), 10);
  clock->advance(200 * kSecond);  // one period without spending leaves 10, of which half is carried
  ASSERT_TRUE(engine->pump());
  EXPECT_EQ(spend(), 15);
  EXPECT_EQ(guard("a").trips, 3U);
}

TEST_F(GuardsTest, AnArmGetsAtMostItsShareOfTheTraffic) {
  open(config(R"("guards":[{"kind":"share","limit":0.5,"window":200,"min_samples":50}])",
              R"({"type":"epsilon_greedy","epsilon":0.05})"));
  const auto chosen =
      rounds(4000, [](std::string_view arm) { return both("cost", 0.0, arm == "a" ? 1.0 : 0.0); });
  // It would have 97 %. Out above 50 %, back at 45 %, judged over 100 to 200 decisions: the mean lies
  // between.
  EXPECT_LT(chosen.at("a"), 4000 * 0.52);
  EXPECT_GT(chosen.at("a"), 4000 * 0.40);
  EXPECT_GT(guard("a").trips, 3U);
}

TEST_F(GuardsTest, ABadPolicyIsReplacedByItsLastGoodSnapshot) {
  open(config(
      R"("fallback":{"snapshot_every":100},"guards":[{"kind":"quality","component":"reward","per":"point",)"
      R"("limit":0.5,"recover":0.6,"window":100,"cooldown_s":30}])",
      R"({"type":"epsilon_greedy","epsilon":0.05})"));
  const World good = [](std::string_view arm) { return both("cost", 0, arm == "a" ? 0.9 : 0.1); };
  rounds(600, good);
  ASSERT_TRUE(safety().snapshot);
  // What comes back is nonsense for a while: the live policy learns from it that "a" is bad.
  const World bad = [](std::string_view) { return both("cost", 0, 0.0); };
  ASSERT_TRUE(until("", "tripped", bad));
  const Decision decision = decide();
  EXPECT_EQ(decision.rung, Rung::snapshot);
  EXPECT_EQ(decision.reason, ChoiceReason::policy_tripped);
  EXPECT_GT(rounds(300, good)["a"], 270);  // as the snapshot does: 5 % explored, 3.3 % of them elsewhere
  clock->advance(31 * kSecond);
  ASSERT_TRUE(engine->pump());
  EXPECT_EQ(guard("").state, "probation");
  ASSERT_TRUE(until("", "quiet", good));
  EXPECT_EQ(decide().rung, Rung::policy);
}

TEST_F(GuardsTest, LateReturnsOfAnArmFromBeforeDoNotCountOnProbation) {
  open(
      config(R"("guards":[{"kind":"rate","component":"error","limit":0.2,"min_samples":10,"cooldown_s":60}])",
             R"({"type":"ucb1"})", R"(["a","b"])"));
  std::vector<Decision> waiting;
  for (int i = 0; i < 60; ++i) {
    waiting.push_back(decide());
    ASSERT_TRUE(engine->pump());
  }
  for (std::size_t i = 0; i < waiting.size() / 2; ++i) {
    ASSERT_EQ(engine->outcome(waiting[i].id, both("error", waiting[i].arm == "b" ? 1.0 : 0.0)), Errc::ok);
  }
  ASSERT_TRUE(engine->pump());
  ASSERT_EQ(guard("b").state, "tripped");
  clock->advance(61 * kSecond);
  ASSERT_TRUE(engine->pump());
  for (std::size_t i = waiting.size() / 2; i < waiting.size(); ++i) {
    ASSERT_EQ(engine->outcome(waiting[i].id, both("error", 0.0)), Errc::ok);
  }
  ASSERT_TRUE(engine->pump());
  EXPECT_EQ(guard("b").state, "probation");
  EXPECT_TRUE(std::isnan(guard("b").value));
}

TEST_F(GuardsTest, ARemovedArmTakesItsGuardsWithIt) {
  open(config(kErrors));
  const World world = [](std::string_view arm) { return both("error", arm == "b" ? 1.0 : 0.0); };
  ASSERT_TRUE(until("b", "tripped", world));
  ASSERT_TRUE(engine->remove_arm(point, "b"));
  EXPECT_EQ(safety().held_back, 0U);
  ASSERT_TRUE(engine->add_arm(point, "b"));
  EXPECT_EQ(guard("b").trips, 0U);
  EXPECT_GT(rounds(30, world)["b"], 0);
}

TEST_F(GuardsTest, EnablingAnArmDoesNotOverruleAGuard) {
  open(config(kErrors));
  const World world = [](std::string_view arm) { return both("error", arm == "b" ? 1.0 : 0.0); };
  ASSERT_TRUE(until("b", "tripped", world));
  ASSERT_TRUE(engine->set_arm_enabled(point, "b", false));
  ASSERT_TRUE(engine->set_arm_enabled(point, "b", true));
  EXPECT_EQ(rounds(200, world).count("b"), 0U);
}

}  // namespace
}  // namespace attune::guards_test
