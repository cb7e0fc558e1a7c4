// SPDX-License-Identifier: Apache-2.0
// Points that choose numbers or compare two arms, and what all points of this kind refuse.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>
#include <attune/engine/engine.hpp>

#include "tests/engine/actions_fixture.hpp"

namespace attune::actions_test {
namespace {

using test::Actions;
using test::kOps;

// --------------------------------------------------------------------------------------------------- numbers

TEST_F(Actions, NumbersAreLearnedInTheirContextWithTheirDensity) {
  open(R"("policy":{"type":"spline_square_cb","low":-1,"high":3},"context":{"dimension":1})");
  EXPECT_EQ(engine->parameter_names(point), std::vector<std::string>{"x0"});
  Rng world(5);
  double late_cost = 0.0;
  double mass = 0.0;  // of 1 / density: the length of the range, where every action has a chance
  constexpr int kSteps = 4000;
  for (int i = 0; i < kSteps; ++i) {
    const std::array<double, 1> x{world.uniform()};
    const Decision decision = decide(x);
    ASSERT_EQ(decision.parameters.size(), 1U);
    ASSERT_TRUE(decision.arm.view().empty());
    ASSERT_TRUE(decision.shown.empty());
    ASSERT_GT(decision.propensity, 0.0);
    const double miss = decision.parameters[0] - 2.0 * x[0];
    late_cost += i >= kSteps / 2 ? miss * miss : 0.0;
    mass += 1.0 / decision.propensity;
    tell(decision, -miss * miss + 0.1 * sample_normal(world));
  }
  // Uniform actions in [-1, 3] miss by about 1.6 squared.
  EXPECT_LT(late_cost / (kSteps / 2), 0.2);
  EXPECT_NEAR(mass / kSteps, 4.0, 0.8);
  EXPECT_EQ(seen().rewards.learned, static_cast<std::uint64_t>(kSteps));
  EXPECT_TRUE(seen().arms.empty());
}

TEST_F(Actions, AKilledPointDrawsNumbersUniformlyAndLearnsOn) {
  open(R"("policy":{"type":"optimistic_tree","low":[0,1],"high":[2,5]})");
  ASSERT_TRUE(engine->kill(point, true, kOps));
  std::array<double, 2> sum{};
  constexpr int kSteps = 2000;
  for (int i = 0; i < kSteps; ++i) {
    const Decision decision = decide();
    ASSERT_EQ(decision.rung, Rung::uniform);
    ASSERT_EQ(decision.reason, ChoiceReason::killed);
    ASSERT_EQ(decision.propensity, 1.0 / 8.0);  // of a box of 2 times 4
    sum[0] += decision.parameters.at(0);
    sum[1] += decision.parameters.at(1);
    tell(decision, 0.5);
  }
  // Standard errors of the means: 2 / sqrt(12 n) = 0.013, twice that for the second.
  EXPECT_NEAR(sum[0] / kSteps, 1.0, 0.06);
  EXPECT_NEAR(sum[1] / kSteps, 3.0, 0.12);
  EXPECT_EQ(seen().fallbacks, static_cast<std::uint64_t>(kSteps));
  EXPECT_EQ(seen().rewards.learned, static_cast<std::uint64_t>(kSteps));
  EXPECT_EQ(seen().refused_rewards, 0U);
}

TEST_F(Actions, AKilledPointTakesTheActionThatWasNamedForIt) {
  open(R"("policy":{"type":"optimistic_tree","low":[0,1],"high":[2,5]},"fallback_action":[0.5,5])");
  EXPECT_EQ(decide().rung, Rung::policy);
  ASSERT_TRUE(engine->kill(point, true, kOps));
  const Decision decision = decide();
  EXPECT_EQ(decision.parameters, (std::vector<double>{0.5, 5.0}));
  EXPECT_EQ(decision.rung, Rung::fallback);
  EXPECT_TRUE(std::isnan(decision.propensity));
  tell(decision, 1.0);
  EXPECT_EQ(seen().rewards.learned, 1U);
  EXPECT_EQ(seen().refused_rewards, 0U);
}

TEST_F(Actions, NumbersHaveNoArms) {
  open(R"("policy":{"type":"spline_square_cb"})");
  EXPECT_EQ(engine->add_arm(point, "a").error().code, Errc::unsupported);
  EXPECT_EQ(engine->remove_arm(point, "a").error().code, Errc::unknown_arm);
  const std::array<std::string_view, 1> offered{"a"};
  Decision out;
  EXPECT_EQ(engine->decide(point, {}, {.arms = offered}, out), Errc::unknown_arm);
}

// ----------------------------------------------------------------------------------------------------- pairs

TEST_F(Actions, PairsFindTheArmThatIsPreferred) {
  for (const std::string policy : {"rucb", "double_thompson", "bradley_terry"}) {
    SCOPED_TRACE(policy);
    open(R"("policy":{"type":")" + policy + R"("},"arms":["a","b","c","d"])");
    const std::map<std::string, double, std::less<>> strength{{"a", 0.0}, {"b", 1.0}, {"c", 3.0}, {"d", 0.5}};
    Rng world(7);
    int late = 0;
    int best = 0;
    for (int i = 0; i < 1500; ++i) {
      const Decision decision = decide();
      ASSERT_FALSE(decision.shown.empty());
      ASSERT_LE(decision.shown.size(), 2U);
      ASSERT_EQ(decision.arm.view(), decision.shown[0].view());
      const double gap = strength.find(decision.shown.front().view())->second -
                         strength.find(decision.shown.back().view())->second;
      const double draw = world.uniform();
      tell(decision, draw < 0.1 ? 0.5 : world.uniform() < 1.0 / (1.0 + std::exp(-gap)) ? 1.0 : 0.0);
      if (i >= 1200) {
        for (const ShortText& arm : decision.shown) {
          ++late;
          best += arm == "c" ? 1 : 0;
        }
      }
    }
    EXPECT_GT(best, late * 3 / 4);  // a random pair has it in a quarter of its places
    EXPECT_EQ(seen().refused_rewards, 0U);
    EXPECT_EQ(seen().arm_gone, 0U);
  }
}

TEST_F(Actions, OnlyAWinALossOrATieIsAComparison) {
  open(R"("policy":{"type":"rucb"},"arms":["a","b","c"])");
  for (const double reward : {0.25, 2.0, -1.0}) {
    const Decision decision = decide();
    ASSERT_EQ(decision.shown.size(), 2U);
    tell(decision, reward);
  }
  EXPECT_EQ(seen().refused_rewards, 3U);
}

TEST_F(Actions, AComparisonWithAnArmThatHasGoneIsDropped) {
  open(R"("policy":{"type":"rucb"},"arms":["a","b"])");
  const Decision decision = decide();
  ASSERT_EQ(decision.shown.size(), 2U);
  ASSERT_TRUE(engine->remove_arm(point, "b"));
  ASSERT_TRUE(engine->add_arm(point, "new"));  // into the same slot
  tell(decision, 1.0);
  EXPECT_EQ(seen().arm_gone, 1U);
  EXPECT_EQ(seen().refused_rewards, 0U);
  EXPECT_EQ(engine->shown(decision.id).error().code, Errc::unknown_decision);
  const Decision other = decide();
  ASSERT_TRUE(engine->pump());
  EXPECT_EQ(engine->shown(other.id).value(), names(other));
  ASSERT_TRUE(engine->remove_arm(point, "new"));
  std::vector<std::string> left = names(other);
  std::ranges::replace(left, "new", "");
  EXPECT_EQ(engine->shown(other.id).value(), left);
}

TEST_F(Actions, APairOfOneArmIsShownAloneAndTeachesNothing) {
  open(R"("policy":{"type":"double_thompson"},"arms":["a","b","c"])");
  const std::array<std::string_view, 1> offered{"b"};
  const Decision decision = decide({}, {.arms = offered});
  EXPECT_EQ(names(decision), std::vector<std::string>{"b"});
  const std::uint64_t version = seen().version;
  tell(decision, 1.0);
  EXPECT_EQ(seen().version, version + 1);  // that it was shown
  EXPECT_EQ(seen().refused_rewards, 0U);
  EXPECT_EQ(seen().selections, (std::vector<std::uint64_t>{0, 1, 0}));
}

TEST_F(Actions, AKilledPointShowsEveryPairAlike) {
  open(R"("policy":{"type":"rucb"},"arms":["a","b",{"id":"off","enabled":false},"c"])");
  ASSERT_TRUE(engine->kill(point, true, kOps));
  expect_all_alike(6);
}

// ------------------------------------------------------------------------------------------------- refusals

TEST_F(Actions, OptionsThatDoNotFitAreNamed) {
  const std::string numbers = R"("policy":{"type":"spline_square_cb"})";
  const std::string pair = R"("policy":{"type":"rucb"},"arms":["a","b"])";
  const std::string list = R"("policy":{"type":"top_k_ucb"},"arms":["a","b","c"])";
  const std::string three = list + R"(,"size":3)";
  struct Case {
    std::string body;
    std::string_view path;
    std::string_view rule;
  };
  for (const Case& one : std::vector<Case>{
           {numbers + R"(,"arms":["a"])", "points.p.arms", "chooses numbers"},
           {numbers + R"(,"action_features":2)", "points.p.action_features = 2", "chooses numbers"},
           {numbers + R"(,"safety":{})", "points.p.safety", "chooses numbers"},
           {numbers + R"(,"size":3)", "points.p.size", "chooses numbers"},
           {numbers + R"(,"reward":{"credit":"uniform"})", "points.p.reward.credit", "chooses numbers"},
           {numbers + R"(,"drift":[{"watch":"reward","actions":["reset_policy"]}])", "points.p.drift",
            "alert"},
           {numbers + R"(,"context":{"dimension":1},"screening":{"contexts":{}})",
            "points.p.screening.contexts", "chooses numbers"},
           {numbers + R"(,"fallback_action":[0.5,0.5])", "points.p.fallback_action", "an action has 1"},
           {numbers + R"(,"fallback_action":[1.5])", "points.p.fallback_action[0]", "outside"},
           {pair + R"(,"fallback_action":[1])", "points.p.fallback_action", "compares two arms"},
           {pair + R"(,"fallback":"a")", "points.p.fallback", "compares two arms"},
           {pair + R"(,"safety":{})", "points.p.safety", "compares two arms"},
           {pair + R"(,"signal":"items")", "points.p.signal", "compares two arms"},
           {pair + R"(,"screening":{"outcomes":[{"watch":"reward","detector":{"type":"hampel"}}]})",
            "points.p.screening.outcomes", "compares two arms"},
           {R"("policy":{"type":"rucb"},"arms":[{"id":"a","prior":{"mean":1,"weight":2}},"b"])",
            "points.p.arms", "'a' has a prior"},
           {list, "points.p.size is required", "how many arms"},
           {three + R"(,"signal":"whole")", "points.p.signal = \"whole\"", "does not learn from it"},
           {three + R"(,"reward":{"components":{"x":{}}})", "points.p.reward.components", "item_1"},
           {list + R"(,"size":17)", "points.p.size = 17", "at most 16"},
           {list + R"(,"size":65)", "points.p.size = 65", ""},
           {list + R"(,"size":0)", "points.p.size = 0", ""},
           {three + R"(,"signal":"clicks")", "points.p.signal", "items"},
           {R"("policy":{"type":"slate_ridge","positions":3},"arms":["a","b"],"size":4)", "points.p.size = 4",
            "more than this policy"},
           {R"("policy":{"type":"ucb1"},"arms":["a","b"],"size":2)", "points.p.size", "chooses one arm"}}) {
    const std::string message = refusal(one.body);
    EXPECT_NE(message.find(one.path), std::string::npos) << one.body << " -> " << message;
    EXPECT_NE(message.find(one.rule), std::string::npos) << one.body << " -> " << message;
  }
  EXPECT_EQ(refusal(numbers + R"(,"drift":[{"watch":"reward","actions":["alert"]}])"), "");
  EXPECT_EQ(refusal(list + R"(,"size":64,"signal":"first_click")"), "");
}

}  // namespace
}  // namespace attune::actions_test
