// SPDX-License-Identifier: Apache-2.0
#include <attune/engine/engine.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace attune::engine_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// An engine on a clock that stands still until the test moves it.
class EngineTest : public ::testing::Test {
 protected:
  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();

  Engine open(const std::string& points, const std::string& more = {}) {
    Result<Engine> engine =
        Engine::open(R"({"seed":1,"node":"test",)" + more + R"("points":{)" + points + "}}",
                     {.clock = clock, .journal = nullptr, .credit_functions = {}, .log = {}});
    EXPECT_TRUE(engine) << (engine ? "" : engine.error().message);
    return std::move(engine).value();
  }
  static Decision decide(Engine& engine, PointId point, Features context = {}) {
    Decision decision;
    EXPECT_EQ(engine.decide(point, {.dense = context}, {}, decision), Errc::ok) << Engine::last_error();
    return decision;
  }
};

const std::string kTwoArms = R"("p":{"policy":{"type":"ucb1"},"arms":["a","b"]})";

TEST_F(EngineTest, LearnsWhichArmIsBetter) {
  Engine engine = open(kTwoArms);
  const PointId point = engine.point("p").value();
  int chosen_b = 0;
  for (int i = 0; i < 1000; ++i) {
    const Decision decision = decide(engine, point);
    ASSERT_EQ(engine.outcome(decision.id, decision.arm == "b" ? 0.9 : 0.1), Errc::ok);
    ASSERT_EQ(engine.pump().value(), 2U);
    ASSERT_EQ(engine.last_fate(), Fate::learned);
    chosen_b += decision.arm == "b" ? 1 : 0;
  }
  // UCB1 plays the worse arm at most 8 ln(n) / gap^2 + 1 + pi^2 / 3 times (Auer et al. 2002, theorem 1): 90
  // here.
  EXPECT_GT(chosen_b, 1000 - 91);
  const EngineMetrics metrics = engine.metrics();
  EXPECT_EQ(metrics.points.at(0).decisions, 1000U);
  EXPECT_EQ(metrics.points.at(0).rewards.learned, 1000U);
  EXPECT_EQ(metrics.points.at(0).version, 2000U);
}

TEST_F(EngineTest, SameSeedGivesTheSameDecisionsAndIds) {
  std::vector<Uuid> ids;
  for (int run = 0; run < 2; ++run) {
    clock->set(1'700'000'000 * kSecond);
    Engine engine = open(R"("p":{"policy":{"type":"thompson_beta"},"arms":["a","b","c"]})");
    const PointId point = engine.point("p").value();
    for (std::size_t i = 0; i < 50; ++i) {
      const Decision decision = decide(engine, point);
      ASSERT_EQ(engine.outcome(decision.id, decision.arm == "c" ? 1.0 : 0.0), Errc::ok);
      ASSERT_TRUE(engine.pump());
      clock->advance(kSecond);
      if (run == 0) {
        ids.push_back(decision.id);
      } else {
        ASSERT_EQ(decision.id, ids[i]);
      }
    }
  }
}

TEST_F(EngineTest, DecisionIdsAreVersion7AndTellTheirPointBack) {
  Engine engine = open(kTwoArms + R"(,"q":{"policy":{"type":"ucb1"},"arms":["x"]})");
  const Decision decision = decide(engine, engine.point("q").value());
  EXPECT_EQ(decision.id.bytes[6] >> 4U, 7);
  EXPECT_EQ(decision.id.bytes[8] >> 6U, 2);
  ASSERT_EQ(engine.outcome(decision.id, 1.0), Errc::ok);
  ASSERT_TRUE(engine.pump());
  EXPECT_EQ(engine.metrics().points.at(1).rewards.learned, 1U);
}

TEST_F(EngineTest, RefusesBadInputByNameAndChangesNothing) {
  Engine engine = open(R"("p":{"policy":{"type":"lin_ucb"},"arms":["a","b"],"context":{"dimension":2}})");
  const PointId point = engine.point("p").value();
  ASSERT_TRUE(engine.pump());
  const Bytes before = engine.state();
  Decision out;
  const std::array<double, 3> three{1, 2, 3};
  EXPECT_EQ(engine.decide(point, {.dense = three}, {}, out), Errc::dimension_mismatch);
  EXPECT_FALSE(Engine::last_error().empty());
  const std::array<double, 2> nan{1, kNan};
  EXPECT_EQ(engine.decide(point, {.dense = nan}, {}, out), Errc::non_finite);
  const std::array<double, 2> good{1, 2};
  const std::array<std::string_view, 1> unknown{"z"};
  EXPECT_EQ(engine.decide(point, {.dense = good}, {.arms = unknown}, out), Errc::unknown_arm);
  EXPECT_NE(Engine::last_error().find("'z'"), std::string_view::npos);
  const std::array<std::string_view, 2> twice{"a", "a"};
  EXPECT_EQ(engine.decide(point, {.dense = good}, {.arms = twice}, out), Errc::invalid_argument);
  EXPECT_EQ(engine.decide(static_cast<PointId>(9), {.dense = good}, {}, out), Errc::unknown_point);
  EXPECT_EQ(engine.outcome(Uuid{}, kNan), Errc::non_finite);
  const std::array<Component, 1> foreign{Component{.name = "speed", .value = 1}};
  EXPECT_EQ(engine.outcome(Uuid{}, foreign), Errc::unknown_component);
  const std::array<Component, 2> doubled{Component{.name = "reward", .value = 1},
                                         Component{.name = "reward", .value = 2}};
  EXPECT_EQ(engine.outcome(Uuid{}, doubled), Errc::invalid_argument);
  EXPECT_EQ(engine.outcome(Uuid{}, std::span<const Component>{}), Errc::invalid_argument);
  ASSERT_TRUE(engine.pump());
  EXPECT_EQ(engine.state(), before);
  EXPECT_EQ(engine.metrics().points.at(0).refused, 4U);
  EXPECT_EQ(engine.metrics().outcomes_refused, 4U);
}

TEST_F(EngineTest, AnUnknownDecisionIsCountedNotFatal) {
  Engine engine = open(kTwoArms);
  const Decision decision = decide(engine, engine.point("p").value());
  ASSERT_TRUE(engine.pump());
  Uuid foreign = decision.id;
  foreign.bytes[0] ^= 1U;  // another time: same point, another id
  ASSERT_EQ(engine.outcome(foreign, 1.0), Errc::ok);
  ASSERT_TRUE(engine.pump());
  EXPECT_EQ(engine.last_fate(), Fate::unknown_decision);
  EXPECT_EQ(engine.metrics().points.at(0).rewards.unknown_decision, 1U);
}

TEST_F(EngineTest, ChoosesOnlyAmongTheOfferedArms) {
  Engine engine = open(R"("p":{"policy":{"type":"thompson_beta"},"arms":["a","b","c","d"]})");
  const PointId point = engine.point("p").value();
  const std::array<std::string_view, 2> offered{"d", "b"};
  for (int i = 0; i < 100; ++i) {
    Decision decision;
    ASSERT_EQ(engine.decide(point, {}, {.arms = offered}, decision), Errc::ok);
    ASSERT_TRUE(decision.arm == "b" || decision.arm == "d");
  }
}

TEST_F(EngineTest, ArmsComeAndGo) {
  Engine engine = open(kTwoArms);
  const PointId point = engine.point("p").value();
  const Decision old = decide(engine, point);
  ASSERT_TRUE(engine.add_arm(point, "c"));
  EXPECT_EQ(engine.add_arm(point, "c").error().code, Errc::duplicate);
  EXPECT_EQ(engine.add_arm(point, "").error().code, Errc::invalid_argument);
  ASSERT_TRUE(engine.set_arm_enabled(point, "a", false));
  ASSERT_TRUE(engine.remove_arm(point, "b"));
  EXPECT_EQ(engine.remove_arm(point, "b").error().code, Errc::unknown_arm);
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(decide(engine, point).arm, "c");
  }
  ASSERT_TRUE(engine.set_arm_enabled(point, "c", false));
  Decision none;
  EXPECT_EQ(engine.decide(point, {}, {}, none), Errc::no_arm);
  // The slot of "b" goes to "d"; a reward for the old "b" must not reach it.
  ASSERT_TRUE(engine.add_arm(point, "d"));
  ASSERT_EQ(engine.outcome(old.id, 1.0), Errc::ok);
  ASSERT_TRUE(engine.pump());
  const PointMetrics metrics = engine.metrics().points.at(0);
  EXPECT_EQ(metrics.arm_gone, old.arm == "b" ? 1U : 0U);
  EXPECT_EQ(metrics.arms.at(1), "d");
}

TEST_F(EngineTest, LateRewardsDoNotMakeUcb1RepeatItsChoice) {
  Engine engine = open(R"("p":{"policy":{"type":"ucb1"},"arms":["a","b","c","d"]})");
  const PointId point = engine.point("p").value();
  std::array<int, 4> counts{};
  for (int i = 0; i < 400; ++i) {  // no reward ever comes
    const Decision decision = decide(engine, point);
    ASSERT_TRUE(engine.pump());
    ++counts.at(to_index(decision.arm_index));
  }
  for (const int count : counts) {
    EXPECT_NEAR(count, 100, 2);  // nothing tells the arms apart but how often each is pending
  }
}

TEST_F(EngineTest, TimeClosesWindowsByItself) {
  Engine engine = open(
      R"("p":{"policy":{"type":"ucb1"},"arms":["a"],"reward":{"join_window_s":10,"silence":"default","default_reward":0.25}})");
  const PointId point = engine.point("p").value();
  static_cast<void>(decide(engine, point));
  ASSERT_TRUE(engine.pump());
  clock->advance(9 * kSecond);
  ASSERT_TRUE(engine.pump());
  EXPECT_EQ(engine.metrics().points.at(0).rewards.learned, 0U);
  clock->advance(kSecond);
  ASSERT_TRUE(engine.pump());
  EXPECT_EQ(engine.metrics().points.at(0).rewards.learned_default, 1U);
  EXPECT_EQ(engine.metrics().points.at(0).rewards.reward_sum, 0.25);
  EXPECT_TRUE(engine.pending(point).empty());
}

TEST_F(EngineTest, AnOptimizerPointAsksAndIsTold) {
  Engine engine = open(
      R"("t":{"policy":{"type":"gp_optimizer","parameters":[{"name":"x","low":0,"high":1}]},"reward":{"join_window_s":5}})");
  const PointId point = engine.point("t").value();
  double best = -1.0;
  for (int i = 0; i < 20; ++i) {
    const Decision decision = decide(engine, point);
    ASSERT_EQ(decision.parameters.size(), 1U);
    ASSERT_TRUE(std::isnan(decision.propensity));
    const double x = decision.parameters.at(0);
    const double value = 1.0 - (x - 0.3) * (x - 0.3);
    best = std::max(best, value);
    ASSERT_EQ(engine.outcome(decision.id, value), Errc::ok);
    ASSERT_TRUE(engine.pump());
  }
  EXPECT_GT(best, 0.999);
  static_cast<void>(decide(engine, point));  // never answered: forgotten when its window ends
  clock->advance(6 * kSecond);
  ASSERT_TRUE(engine.pump());
  EXPECT_EQ(engine.metrics().points.at(0).rewards.silent, 1U);
  EXPECT_EQ(engine.parameter_names(point), std::vector<std::string>{"x"});
}

TEST_F(EngineTest, AnAgentLearnsFromEpisodesWithDelayedRewards) {
  // Two states in a row; only "right" in both earns 1. Rewards come after the whole episode, last first.
  Engine engine = open(
      R"("walk":{"policy":{"type":"q_learning","states":2,"epsilon":0.2},"arms":["left","right"],"context":{"dimension":1}})");
  const PointId point = engine.point("walk").value();
  for (int episode = 0; episode < 300; ++episode) {
    const std::string name = "e" + std::to_string(episode);
    std::array<Decision, 2> steps;
    for (std::size_t state = 0; state < 2; ++state) {
      const std::array<double, 1> context{static_cast<double>(state)};
      ASSERT_EQ(engine.decide(point, {.dense = context}, {.episode = name}, steps.at(state)), Errc::ok);
      ASSERT_TRUE(engine.pump());
    }
    const bool won = steps[0].arm == "right" && steps[1].arm == "right";
    const std::array<Component, 1> last{Component{.name = "reward", .value = won ? 1.0 : 0.0}};
    ASSERT_EQ(engine.outcome(steps[1].id, last, {.terminal = true}), Errc::ok);
    ASSERT_EQ(engine.outcome(steps[0].id, 0.0), Errc::ok);
    ASSERT_TRUE(engine.pump());
  }
  int right = 0;
  const std::array<double, 1> start{0.0};
  for (int i = 0; i < 100; ++i) {
    right += decide(engine, point, start).arm == "right" ? 1 : 0;
  }
  EXPECT_GT(right,
            70);  // greedy but for epsilon = 0.2, of which half is "right" too: 90 expected, deviation 3
  const std::array<double, 1> foreign{2.0};
  Decision out;
  EXPECT_EQ(engine.decide(point, {.dense = foreign}, {}, out), Errc::invalid_argument);
}

TEST_F(EngineTest, ManyArmsAndManyPointsWork) {
  std::string arms = R"("big":{"policy":{"type":"ucb1"},"arms":[)";
  for (int i = 0; i < 100'000; ++i) {
    arms += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + '"';
  }
  arms += "]}";
  for (int i = 0; i < 999; ++i) {
    arms += R"(,"p)" + std::to_string(i) + R"(":{"policy":{"type":"epsilon_greedy"},"arms":["x","y"]})";
  }
  Engine engine = open(arms);
  for (const std::string name : {"big", "p0", "p998"}) {
    const PointId point = engine.point(name).value();
    const Decision decision = decide(engine, point);
    ASSERT_EQ(engine.outcome(decision.id, 1.0), Errc::ok);
    ASSERT_TRUE(engine.pump());
    ASSERT_EQ(engine.last_fate(), Fate::learned) << name;
  }
  EXPECT_EQ(engine.metrics().points.size(), 1000U);
}

TEST_F(EngineTest, RefusesConfigurationsByPath) {
  const auto message = [](const std::string& text) {
    const Result<Engine> engine = Engine::open(text);
    return engine ? std::string("accepted") : engine.error().message;
  };
  EXPECT_NE(message(R"({"points":{"p":{"policy":{"type":"ucb9"},"arms":["a"]}}})").find("points.p.policy"),
            std::string::npos);
  EXPECT_NE(message(R"({"points":{"p":{"policy":{"type":"ucb1","exploration":-1},"arms":["a"]}}})")
                .find("exploration"),
            std::string::npos);
  EXPECT_NE(
      message(R"({"points":{"p":{"policy":{"type":"ucb1"},"arms":["a"],"reward":{"credit":"transition"}}}})")
          .find("points.p.reward.credit"),
      std::string::npos);
}

// Means 0.75 and 0.25 of arms that were chosen as often as the counters say.
TEST(Metrics, EstimateTheRegretOfPoliciesWithoutContext) {
  Engine engine = Engine::open(R"({"seed":1,"points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b","c"]},
                       "x":{"policy":{"type":"lin_ucb"},"arms":["a"],"context":{"dimension":1}}}})")
                      .value();
  const PointId point = engine.point("p").value();
  EXPECT_TRUE(std::isnan(engine.metrics().points.at(0).regret_estimated));
  std::array<int, 2> pulls{};
  for (int i = 0; i < 400; ++i) {
    Decision decision;
    ASSERT_EQ(engine.decide(point, {}, {}, decision), Errc::ok);
    const bool good = decision.arm.view() == "a";
    if (decision.arm.view() == "c") {
      ASSERT_TRUE(engine.pump());
      ASSERT_TRUE(engine.remove_arm(point, "c"));
      continue;
    }
    const int pull = pulls.at(good ? 0 : 1)++;
    ASSERT_EQ(engine.outcome(decision.id, (pull % 4 == 0) != good ? 1.0 : 0.0), Errc::ok);
    ASSERT_TRUE(engine.pump());
  }
  const auto mean = [&](std::size_t arm) {
    const int of = pulls.at(arm);
    const int quarter = (of + 3) / 4;
    return static_cast<double>(arm == 0 ? of - quarter : quarter) / of;
  };
  const EngineMetrics metrics = engine.metrics();
  EXPECT_NEAR(metrics.points.at(0).regret_estimated, pulls[1] * (mean(0) - mean(1)), 1e-9);
  EXPECT_GT(metrics.points.at(0).regret_estimated, 1.0);
  EXPECT_TRUE(std::isnan(metrics.points.at(1).regret_estimated));
}

}  // namespace
}  // namespace attune::engine_test
