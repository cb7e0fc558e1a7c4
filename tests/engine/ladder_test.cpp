// SPDX-License-Identifier: Apache-2.0
// The ladder and the kill switch: who answers, why, and with which probability.
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "tests/engine/safety_fixture.hpp"

namespace attune::ladder_test {
namespace {

using test::SafetyTest;

class LadderTest : public SafetyTest {
 protected:
  static std::vector<Component> reward(double value) { return {{.name = "reward", .value = value}}; }
};

TEST_F(LadderTest, AKilledPointAnswersFromItsShares) {
  open(config(R"("fallback":{"static":{"b":1,"c":3}})"));
  ASSERT_TRUE(engine->kill(point, true, ops(), "it is on fire"));
  const int n = 4000;
  std::map<std::string, int> chosen;
  for (int i = 0; i < n; ++i) {
    const Decision decision = decide();
    ASSERT_EQ(decision.rung, Rung::allocation);
    ASSERT_EQ(decision.reason, ChoiceReason::killed);
    ASSERT_EQ(decision.propensity, decision.arm == "b" ? 0.25 : 0.75);
    ++chosen[std::string(decision.arm)];
  }
  EXPECT_EQ(chosen.count("a"), 0U);
  EXPECT_NEAR(chosen["b"], n * 0.25, 5 * std::sqrt(n * 0.25 * 0.75));  // five standard deviations
  ASSERT_TRUE(engine->kill(point, false, ops()));
  EXPECT_EQ(decide().rung, Rung::policy);
}

TEST_F(LadderTest, SharesAreThoseOfTheArmsThatMayBeChosen) {
  open(config(R"("fallback":{"static":{"b":1,"c":3}})", R"({"type":"ucb1"})", R"(["a","b","c"])",
              R"(,"fallback":"a")"));
  ASSERT_TRUE(engine->kill(point, true, ops()));
  const std::array<std::string_view, 2> some{"a", "b"};
  const Decision decision = decide(some);
  EXPECT_EQ(decision.arm, "b");
  EXPECT_EQ(decision.propensity, 1.0);
  const std::array<std::string_view, 1> other{"a"};
  EXPECT_EQ(decide(other).rung, Rung::fallback);  // no share: the next rung
  ASSERT_TRUE(engine->set_arm_enabled(point, "a", false));
  ASSERT_TRUE(engine->set_arm_enabled(point, "b", false));
  EXPECT_EQ(decide().arm, "c");
}

TEST_F(LadderTest, WithoutSharesTheFallbackArmAnswersAndElseAnyArm) {
  open(R"({"seed":1,"points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b"],"fallback":"b"}}})");
  ASSERT_TRUE(engine->kill(point, true, ops()));
  EXPECT_EQ(decide().rung, Rung::fallback);
  EXPECT_EQ(decide().arm, "b");
  const std::array<std::string_view, 1> other{"a"};
  const Decision decision = decide(other);
  EXPECT_EQ(decision.rung, Rung::uniform);
  EXPECT_EQ(decision.reason, ChoiceReason::killed);
  EXPECT_EQ(decision.propensity, 1.0);
}

TEST_F(LadderTest, LearningGoesOnWhileAPointIsKilled) {
  open(config(R"("fallback":{"static":{"a":1}})"));
  ASSERT_TRUE(engine->kill(point, true, ops()));
  rounds(50, [](std::string_view) { return reward(1.0); });
  EXPECT_EQ(engine->metrics().points.at(0).rewards.learned, 50U);
  EXPECT_EQ(engine->metrics().points.at(0).fallbacks, 50U);
  EXPECT_EQ(engine->metrics().points.at(0).version, 100U);
  EXPECT_EQ(safety().rungs[static_cast<std::size_t>(Rung::allocation)], 50U);
  EXPECT_EQ(safety().reasons[static_cast<std::size_t>(ChoiceReason::killed)], 50U);
}

TEST_F(LadderTest, AllPointsAreKilledAtOnceAndHealthSaysWhoDidIt) {
  open(
      R"({"seed":1,"points":{"p":{"policy":{"type":"ucb1"},"arms":["a"]},"q":{"policy":{"type":"ucb1"},"arms":["x"]}}})");
  EXPECT_EQ(engine->health().level, EngineHealth::Level::ok);
  EXPECT_FALSE(engine->metrics().points.at(0).safety);
  ASSERT_TRUE(engine->kill_all(true, ops(), "a drill"));
  EXPECT_EQ(decide().reason, ChoiceReason::killed);
  const EngineHealth health = engine->health();
  EXPECT_EQ(health.level, EngineHealth::Level::degraded);
  ASSERT_EQ(health.reasons.size(), 2U);
  EXPECT_EQ(health.reasons[1].sentence, "point 'q' is killed by ops: a drill");
  ASSERT_TRUE(engine->kill_all(false, ops()));
  EXPECT_EQ(engine->health().level, EngineHealth::Level::ok);
  EXPECT_EQ(lines.size(), 4U);
}

TEST_F(LadderTest, AKilledTunerAnswersWithTheBestItKnows) {
  open(
      R"({"seed":1,"points":{"p":{"policy":{"type":"gp_optimizer","parameters":[{"name":"x","low":0,"high":1}]}}}})");
  Decision out;
  ASSERT_TRUE(engine->kill(point, true, ops()));
  EXPECT_EQ(engine->decide(point, {}, {}, out), Errc::no_arm);
  ASSERT_TRUE(engine->kill(point, false, ops()));
  const Decision tried = decide();
  ASSERT_EQ(engine->outcome(tried.id, 1.0), Errc::ok);
  ASSERT_TRUE(engine->kill(point, true, ops()));
  const Decision best = decide();
  EXPECT_EQ(best.parameters, tried.parameters);
  EXPECT_EQ(best.rung, Rung::fallback);
}

TEST_F(LadderTest, BadSwitchesAreRefusedByName) {
  open(config(""));
  EXPECT_EQ(engine->kill(static_cast<PointId>(7), true, ops()).error().code, Errc::unknown_point);
  EXPECT_EQ(engine->kill(point, true, {.actor = "a\nb", .time = 0}).error().code, Errc::invalid_argument);
  EXPECT_EQ(engine->kill(point, true, ops(), std::string(2000, 'x')).error().code, Errc::invalid_argument);
  EXPECT_EQ(engine->kill(point, true, ops(), "\xFF").error().code, Errc::invalid_argument);
  EXPECT_EQ(decide().rung, Rung::policy);
}

TEST_F(LadderTest, AFrozenPointLearnsNothingAndKeepsItsArms) {
  open(config("", R"({"type":"ucb1"})", R"(["a","b"])"));
  rounds(20, [](std::string_view arm) { return reward(arm == "a" ? 1.0 : 0.0); });
  const Description before = engine->describe(point).value();
  ASSERT_TRUE(engine->freeze(point, true, ops(), "audit week"));
  rounds(30, [](std::string_view arm) { return reward(arm == "a" ? 0.0 : 1.0); });
  const Description after = engine->describe(point).value();
  EXPECT_EQ(after.rows, before.rows);
  EXPECT_EQ(safety().frozen_rewards, 30U);
  EXPECT_EQ(engine->metrics().points.at(0).rewards.learned, 50U);  // joined and counted all the same
  EXPECT_EQ(engine->add_arm(point, "c").error().code, Errc::conflict);
  EXPECT_EQ(engine->remove_arm(point, "a").error().code, Errc::conflict);
  EXPECT_EQ(engine->set_arm_enabled(point, "a", false).error().code, Errc::conflict);
  EXPECT_EQ(engine->health().reasons.at(0).sentence, "point 'p' is frozen by ops: audit week");
  ASSERT_TRUE(engine->freeze(point, false, ops()));
  EXPECT_TRUE(engine->add_arm(point, "c"));
  rounds(5, [](std::string_view) { return reward(1.0); });
  EXPECT_NE(engine->describe(point).value().rows, before.rows);
}

}  // namespace
}  // namespace attune::ladder_test
