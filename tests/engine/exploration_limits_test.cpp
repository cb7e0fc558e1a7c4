// SPDX-License-Identifier: Apache-2.0
// Limits of exploration: forced trials, a cap on the share, and never much below a baseline.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/safety_fixture.hpp"

namespace attune::exploration_limits_test {
namespace {

using test::SafetyTest;

class ExplorationLimits : public SafetyTest {
 protected:
  static World rewards(double a, double b, double c) {
    return [=](std::string_view arm) -> std::vector<Component> {
      return {{.name = "reward", .value = arm == "a" ? a : arm == "b" ? b : c}};
    };
  }
};

TEST_F(ExplorationLimits, EveryArmGetsItsTrialsAndTheirPropensitiesAreExact) {
  // A greedy policy with a prior that keeps it from ever trying "c" by itself.
  open(config(
      R"("exploration":{"min_trials":10,"trial_share":0.5})",
      R"({"type":"epsilon_greedy","epsilon":0,"epsilon_min":0})",
      R"([{"id":"a","prior":{"mean":0.9,"weight":100}},{"id":"c","prior":{"mean":0.1,"weight":100}}])"));
  // While both want trials each is forced with 1/2 x 1/2, and "a" chosen with the other half.
  int c = 0;
  while (c < 10) {
    const Decision decision = round(rewards(0.9, 0, 0.1));
    const bool both = engine->metrics().points.at(0).selections.at(0) <= 10;
    if (decision.arm == "c") {
      ++c;
      EXPECT_EQ(decision.reason, ChoiceReason::trial);
      EXPECT_EQ(decision.propensity, both ? 0.25 : 0.5);
      EXPECT_FALSE(decision.greedy);
    } else {
      EXPECT_EQ(decision.propensity, both ? 0.75 : 0.5);
    }
  }
  for (int i = 0; i < 50; ++i) {
    const Decision decision = round(rewards(0.9, 0, 0.1));
    EXPECT_EQ(decision.arm, "a");
    EXPECT_EQ(decision.propensity, 1.0);
    EXPECT_EQ(decision.reason, ChoiceReason::usual);
  }
}

TEST_F(ExplorationLimits, AForcedTrialOfADeferredPolicyIsDeferred) {
  open(config(R"("exploration":{"min_trials":5,"trial_share":0.5})", R"({"type":"thompson_beta"})"));
  EXPECT_TRUE(std::isnan(decide().propensity));
}

TEST_F(ExplorationLimits, TheCapHoldsOverTheWindowAndTheGreedyArmStandsIn) {
  for (const char* policy : {R"({"type":"epsilon_greedy","epsilon":0.5,"schedule":"constant"})",
                             R"({"type":"thompson_beta"})", R"({"type":"ucb1"})"}) {
    open(config(R"("exploration":{"max_share":0.1,"window":200})", policy));
    int explored = 0;
    int capped = 0;
    const int n = 3000;
    for (int i = 0; i < n; ++i) {
      // Alike enough that Thompson sampling and UCB1 would explore for long.
      const Decision decision = round(rewards(0.52, 0.5, 0.5));
      explored += decision.greedy ? 0 : 1;
      if (decision.reason == ChoiceReason::exploration_cap) {
        ++capped;
        ASSERT_TRUE(decision.greedy) << policy;
        ASSERT_EQ(decision.propensity, 1.0) << policy;
      }
    }
    EXPECT_GT(capped, 0) << policy;
    // At most a tenth of a half-window beyond the cap.
    EXPECT_LE(explored, 0.1 * n + 10) << policy;
    EXPECT_NEAR(explored, 0.1 * n, 0.04 * n) << policy;
  }
}

TEST_F(ExplorationLimits, EveryArmHasItsLeastShareWhateverThePolicyThinks) {
  // A policy that would never choose "b" or "c": each decision states what it is drawn from.
  open(config(R"("exploration":{"floors":{"b":0.1},"floor":0.04})",
              R"({"type":"epsilon_greedy","epsilon":0,"epsilon_min":0,"min_trials":0})",
              R"([{"id":"a","prior":{"mean":0.9,"weight":100}},{"id":"b","prior":{"mean":0.1,"weight":100}},
                  {"id":"c","prior":{"mean":0.1,"weight":100}}])"));
  const std::vector<double> expected{0.86, 0.1, 0.04};
  std::vector<int> chosen(3);
  const int n = 4000;
  for (int i = 0; i < n; ++i) {
    const Decision decision = round(rewards(0.9, 0.1, 0.1));
    const std::size_t arm = to_index(decision.arm_index);
    ++chosen.at(arm);
    ASSERT_NEAR(decision.propensity, expected.at(arm), 1e-12);
    ASSERT_TRUE(decision.reason == ChoiceReason::share_floor || arm == 0);
  }
  for (std::size_t arm = 0; arm < 3; ++arm) {  // binomial, five standard errors
    const double p = expected[arm];
    EXPECT_NEAR(chosen[arm], n * p, 5.0 * std::sqrt(n * p * (1.0 - p))) << arm;
  }
}

TEST_F(ExplorationLimits, LeastSharesHoldUnderTheCapAndAmongTheOffered) {
  open(config(R"("exploration":{"max_share":0.2,"window":100,"floor":0.05})",
              R"({"type":"epsilon_greedy","epsilon":0.9,"schedule":"constant"})"));
  int owed = 0;
  int capped = 0;
  const int n = 2000;
  for (int i = 0; i < n; ++i) {
    const Decision decision = round(rewards(0.9, 0.1, 0.1));
    owed += decision.reason == ChoiceReason::share_floor ? 1 : 0;
    if (decision.reason == ChoiceReason::exploration_cap) {
      ++capped;
      ASSERT_NEAR(decision.propensity, 0.85 + 0.05, 1e-12);
    }
  }
  EXPECT_GT(capped, n / 4);
  EXPECT_NEAR(owed, n * 0.15, 5.0 * std::sqrt(n * 0.15 * 0.85));
  // Of two that are offered each has what it is owed, and their policy's choice the rest.
  const std::vector<std::string_view> two{"b", "c"};
  double least = 1.0;
  for (int i = 0; i < 200; ++i) {
    least = std::min(least, decide(two).propensity);
  }
  EXPECT_GE(least, 0.05);
}

TEST_F(ExplorationLimits, TooLittleExplorationIsAnAlarm) {
  open(config(R"("exploration":{"alarm_below":0.05,"window":100})",
              R"({"type":"epsilon_greedy","epsilon":0,"epsilon_min":0})"));
  rounds(200, rewards(1, 0, 0));
  ASSERT_EQ(engine->health().reasons.size(), 1U);
  EXPECT_NE(engine->health().reasons[0].sentence.find("explores with fewer than 5 %"), std::string::npos);
  EXPECT_EQ(safety().explored_share, 0.0);
}

TEST_F(ExplorationLimits, WhatIsEarnedStaysNearTheBaseline) {
  // The baseline earns 0.5; exploring mostly earns nothing, but "c" earns 0.9.
  const std::string policy = R"({"type":"epsilon_greedy","epsilon":1,"epsilon_min":1})";
  open(config(R"("exploration":{"conservative":{"baseline":"b","alpha":0.1,"delta":0.05}})", policy));
  const World world = rewards(0.0, 0.5, 0.6);
  double earned = 0.0;
  int explored = 0;
  const int n = 4000;
  for (int i = 1; i <= n; ++i) {
    const Decision decision = round(world);
    earned += decision.arm == "a" ? 0.0 : decision.arm == "b" ? 0.5 : 0.6;
    // The promise holds for means, and the rewards here are their means.
    ASSERT_GE(earned, (1.0 - 0.1) * 0.5 * (i - 1)) << i;
    if (decision.reason == ChoiceReason::baseline) {
      ASSERT_EQ(decision.arm, "b");
      ASSERT_EQ(decision.propensity, 1.0);
    } else {
      ++explored;
    }
  }
  EXPECT_GT(explored,
            100);  // alpha x n x 0.5 is earned ahead, of which exploring costs at most 0.5 each time
  EXPECT_LT(explored, n);
}

}  // namespace
}  // namespace attune::exploration_limits_test
