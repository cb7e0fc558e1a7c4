// SPDX-License-Identifier: Apache-2.0
// Guards, switches, drift watches and screening at one point, and what one does while another acts.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/engine/drift_fixture.hpp"

namespace attune::safety_interaction_test {
namespace {

class SafetyInteraction : public test::DriftTest {
 protected:
  /// A quality guard of the whole point that hands over to the snapshot.
  static std::string guard(std::string_view more = {}) {
    return R"(,"safety":{"fallback":{"snapshot_every":100},"guards":[{"kind":"quality","component":"reward",
        "per":"point","limit":0.3,"recover":0.35,"window":60,"min_samples":20,"cooldown_s":30)" +
           std::string(more) + "}]}";
  }
  /// No watch, and arms whose evidence can be read off.
  static std::string guarded(std::string_view more = {}) {
    return config("", R"({"type":"epsilon_greedy","epsilon":0.2,"schedule":"constant"})", guard(more));
  }
  SafetyMetrics safety() { return engine->metrics().points.at(0).safety.value(); }
  double evidence() { return described(0, "weight") + described(1, "weight") + described(2, "weight"); }
  static double good(std::string_view arm) { return arm == "a" ? 0.9 : 0.5; }
  static double bad(std::string_view /*arm*/) { return 0.0; }
  Act ops() { return {.actor = "ops", .time = 0}; }
};

TEST_F(SafetyInteraction, AGuardPutsTheSnapshotBackAsLivePolicy) {
  open(guarded(R"(,"restore":true)"));
  rounds(400, good);
  ASSERT_TRUE(safety().snapshot);
  const double before = evidence();
  while (safety().restored == 0 && step < 800) {
    rounds(1, bad);
  }
  ASSERT_EQ(safety().restored, 1U);
  EXPECT_EQ(safety().trips, 1U);
  // The snapshot is of 300 decisions or fewer: the bad ones, and the last of the good ones, are gone.
  EXPECT_LT(evidence(), before - 50.0);
  EXPECT_EQ(round(bad).rung, Rung::snapshot);
  rounds(2000, good);
  EXPECT_EQ(safety().guards.at(0).state, "quiet");
  EXPECT_EQ(round(good).rung, Rung::policy);
}

TEST_F(SafetyInteraction, WithoutRestoreTheLivePolicyGoesOnLearning) {
  open(guarded());
  rounds(400, good);
  const double before = evidence();
  rounds(200, bad);
  EXPECT_GE(safety().trips, 1U);
  EXPECT_EQ(safety().restored, 0U);
  EXPECT_GT(evidence(), before);
}

TEST_F(SafetyInteraction, AFrozenPolicyIsNotPutBack) {
  open(guarded(R"(,"restore":true)"));
  rounds(400, good);
  ASSERT_TRUE(engine->freeze(point, true, ops()));
  const double before = evidence();
  rounds(200, bad);
  EXPECT_GE(safety().trips, 1U);
  EXPECT_EQ(safety().restored, 0U);
  EXPECT_EQ(evidence(), before);
}

TEST_F(SafetyInteraction, AKilledPointIsWatchedAndItsPolicyLearnsAnew) {
  open(config(R"({"watch":"reward_per_arm","actions":["reset_policy"],"cooldown":1000000})",
              R"({"type":"ucb1"})", R"(,"fallback":"a")"));
  rounds(600, before);
  const double known = evidence();
  ASSERT_TRUE(engine->kill(point, true, ops()));
  while (times("reset_policy") == 0 && step < 1500) {
    EXPECT_EQ(round(after).reason, ChoiceReason::killed);
  }
  ASSERT_EQ(times("reset_policy"), 1U);
  EXPECT_LT(evidence(), 0.5 * known);
  ASSERT_TRUE(engine->kill(point, false, ops()));
  EXPECT_EQ(round(after).rung, Rung::policy);
}

TEST_F(SafetyInteraction, AFrozenPointFindsDriftsAndDoesNothing) {
  open(config(R"({"watch":"reward_per_arm","actions":["reset_arm","boost_exploration","alert"]})",
              R"({"type":"ucb1"})"));
  rounds(600, before);
  const double known = evidence();
  ASSERT_TRUE(engine->freeze(point, true, ops()));
  while (drift().drifts == 0 && step < 1500) {
    rounds(1, after);
  }
  ASSERT_GE(drift().drifts, 1U);
  EXPECT_EQ(drift().withheld, 2U);
  EXPECT_EQ(times("reset_arm") + times("boost_exploration"), 0U);
  EXPECT_EQ(times("alert"), 1U) << "people are told all the same";
  EXPECT_EQ(evidence(), known);
}

TEST_F(SafetyInteraction, ADriftMayPutTheSnapshotBackWhileTheGuardTestsThePolicy) {
  open(config(R"({"watch":"reward","actions":["snapshot"],"cooldown":0,
                  "detector":{"type":"page_hinkley","threshold":3,"min_instances":5}})",
              R"({"type":"epsilon_greedy","epsilon":0.2,"schedule":"constant"})", guard()));
  rounds(400, good);
  bool on_probation = false;
  std::uint64_t while_tested = 0;
  for (int i = 0; i < 3000; ++i) {
    const bool probation = !safety().guards.empty() && safety().guards.at(0).state == "probation";
    const std::uint64_t done = times("snapshot");
    const Decision decision = round(i / 50 % 2 == 0 ? bad : good);
    ASSERT_TRUE(decision.rung == Rung::policy || decision.rung == Rung::snapshot) << i;
    on_probation = on_probation || probation;
    while_tested += probation ? times("snapshot") - done : 0;
  }
  EXPECT_TRUE(on_probation);
  EXPECT_GT(while_tested, 0U);
  rounds(3000, good);
  EXPECT_EQ(safety().guards.at(0).state, "quiet");
}

TEST_F(SafetyInteraction, WhatAScreenRejectsNeitherTripsAGuardNorDrifts) {
  open(config(
      R"({"watch":"component","component":"cost"})", R"({"type":"ucb1"})",
      R"(,"safety":{"guards":[{"kind":"budget","component":"cost","limit":5000,"per":"point","action":"watch"}]},
                 "screening":{"outcomes":[{"watch":"component","component":"cost","action":"reject","per":"point",
                   "detector":{"type":"z_score","learn":"none","patience":0}}]})"));
  rounds(300, before);
  const std::uint64_t seen = drift().values;
  rounds(100, before, 0.0, 1e6);
  EXPECT_EQ(drift().values, seen);
  EXPECT_EQ(drift().drifts, 0U);
  EXPECT_EQ(safety().trips, 0U);
  EXPECT_EQ(engine->metrics().points.at(0).screening->screens.at(0).rejected, 100U);
}

TEST_F(SafetyInteraction, AnUnfamiliarContextIsNoTestOfAPolicyOnProbation) {
  open(config("", R"({"type":"epsilon_greedy"})",
              guard(R"(,"restore":true)") +
                  R"(,"fallback":"b","screening":{"contexts":{"action":"fall_back","alarm_above":1}})"));
  rounds(400, good);
  int unfamiliar = 0;
  for (int i = 0; i < 600; ++i) {
    const Decision decision = round(i < 100 ? bad : good, i % 3 == 0 ? 1000.0 : 0.0);
    unfamiliar += decision.reason == ChoiceReason::unfamiliar ? 1 : 0;
    if (decision.reason == ChoiceReason::unfamiliar) {
      ASSERT_EQ(decision.rung, Rung::fallback);
      ASSERT_EQ(decision.arm, "b");
      ASSERT_EQ(decision.propensity, 1.0);
    }
  }
  EXPECT_GT(unfamiliar, 30);
  EXPECT_GE(safety().trips, 1U);
}

TEST(GuardRestore, NeedsASnapshotToPutBack) {
  const Result<Engine> engine = Engine::open(
      R"({"points":{"p":{"policy":{"type":"ucb1"},"arms":["a"],"safety":{"guards":[
          {"kind":"quality","component":"reward","limit":0.5,"restore":true}]}}}})");
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().message.find("guards[0].restore"), std::string::npos) << engine.error().message;
}

}  // namespace
}  // namespace attune::safety_interaction_test
