// SPDX-License-Identifier: Apache-2.0
// Whole runs on real engines: baselines, determinism, delays, and resuming.
#include "simulations/runner.hpp"

#include <atomic>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/store/journal.hpp>

#include "simulations/baselines.hpp"
#include "simulations/gateway_proof.hpp"
#include "simulations/output.hpp"
#include "tests/simulations/sandbox.hpp"

namespace attune::sim::runner_test {
namespace {

using test::Sandbox;
using test::scenario_of;

constexpr const char* kDelayed = R"({
  "name":"delayed","horizon":400,"seeds":3,"learn_every":8,
  "environment":{"type":"linear","arms":3,"features":4},
  "policies":[{"type":"ucb1"},{"type":"thompson_gaussian"},{"type":"lin_ucb","alpha":0.3},{"type":"lin_ts","scale":0.1}],
  "delivery":{"delay":{"type":"exponential","seconds":20},"missing":0.1,"duplicate":0.1},
  "reward":{"components":{"reward":{}},"join_window_s":60,"silence":"censor"}})";

ScenarioResult run(const Scenario& scenario, std::size_t jobs = 1) {
  Result<ScenarioResult> result = run_scenario(scenario, {.jobs = jobs, .progress = false});
  EXPECT_TRUE(result) << result.error().message;
  return std::move(*result);
}

TEST(Baselines, MatchABruteForceOverASmallLog) {
  const Sandbox box;
  box.write("log.csv", "c,score:x,score:y,score:z\nu,1,0,0.5\nu,1,0,0.5\nv,0,1,0.5\nv,0,0.25,0.5\n");
  const Scenario scenario = scenario_of(R"({"name":"t","seeds":[1],"policies":[{"type":"ucb1"}],
      "environment":{"type":"full_log","file":"log.csv","outcome":"score:","category":"c","order":"file"}})",
                                        box.roots());
  const std::unique_ptr<World> world = scenario.environment->start(1, 4);
  const Hindsight hindsight = look_back(scenario, *world);
  // Totals: x 2, y 1.25, z 2 (the first of equals counts); in u: x 2; in v: y 1.25.
  EXPECT_EQ(hindsight.best_single, 0U);
  EXPECT_EQ(hindsight.best_per_category, (std::vector<std::size_t>{0, 1}));
  const std::vector<Course> courses = run_baselines(scenario, *world, hindsight);
  ASSERT_EQ(courses.size(), 4U);  // random, best single, best per category, oracle
  EXPECT_DOUBLE_EQ(courses[0].reward, (2 + 1.25 + 2) / 3.0);
  EXPECT_DOUBLE_EQ(courses[1].reward, 2.0);
  EXPECT_DOUBLE_EQ(courses[2].reward, 3.25);
  EXPECT_DOUBLE_EQ(courses[3].reward, 1 + 1 + 1 + 0.5);
  EXPECT_DOUBLE_EQ(courses[1].regret_oracle, 1.5);
  EXPECT_DOUBLE_EQ(courses[3].regret_single, -1.5);
  EXPECT_EQ(courses[1].regret_curve, (std::vector<double>{0, 0, 0, 0}))
      << "the reference of a log is the best single arm";
}

TEST(Curves, MarksEndAtTheHorizonAndWindowsCoverIt) {
  EXPECT_EQ(curve_marks(3), (std::vector<std::uint64_t>{1, 2, 3}));
  const std::vector<std::uint64_t> marks = curve_marks(12'345);
  EXPECT_EQ(marks.size(), 200U);
  EXPECT_EQ(marks.back(), 12'345U);
  EXPECT_TRUE(std::is_sorted(marks.begin(), marks.end()));
  EXPECT_EQ(window_of(0, 12'345), 0U);
  EXPECT_EQ(window_of(12'344, 12'345), kShareWindows - 1);
}

TEST(Runner, EveryPolicyMeetsTheSameWorld) {
  // Two policies that choose alike must earn alike, to the last bit.
  const Scenario scenario = scenario_of(R"({"name":"t","horizon":300,"seeds":2,
      "environment":{"type":"gaussian","means":[0,1]},
      "policies":[{"name":"a","policy":{"type":"ucb1"}},{"name":"b","policy":{"type":"ucb1"}}]})");
  const ScenarioResult result = run(scenario);
  for (std::size_t seed = 0; seed < 2; ++seed) {
    EXPECT_EQ(result.rows[3].courses[seed].reward, result.rows[4].courses[seed].reward);
    EXPECT_EQ(result.rows[3].courses[seed].regret_curve, result.rows[4].courses[seed].regret_curve);
  }
  EXPECT_NE(result.rows[3].courses[0].reward, result.rows[3].courses[1].reward);
}

TEST(Runner, TheNumberOfThreadsNeverChangesAResult) {
  const Scenario scenario = scenario_of(kDelayed);
  const std::string one = result_json(scenario, run(scenario, 1)).dump();
  EXPECT_EQ(one, result_json(scenario, run(scenario, 2)).dump());
  EXPECT_EQ(one, result_json(scenario, run(scenario, 7)).dump());
}

TEST(Runner, CountsWhatBecameOfEveryOutcome) {
  const ScenarioResult result = run(scenario_of(kDelayed));
  for (std::size_t row = 3; row < result.rows.size(); ++row) {
    for (const Course& course : result.rows[row].courses) {
      const CollectorCounters& c = course.counters;
      EXPECT_EQ(c.decisions, 400U);
      EXPECT_EQ(c.learned + c.censored, 400U) << "each decision is either learned from or told to be lost";
      EXPECT_GT(c.censored, 10U);
      EXPECT_GT(c.duplicate, 10U);
      EXPECT_EQ(c.outcomes, c.learned + c.duplicate + c.late);
    }
  }
}

TEST(Runner, ContextualPoliciesBeatTheBestSingleArmWhereContextMatters) {
  // alpha is two standard deviations of the noise: the width of the interval that LinUCB's bound stands for.
  // The world has an offset, so the model needs an intercept.
  const ScenarioResult result = run(scenario_of(R"({"name":"t","horizon":2000,"seeds":3,
      "environment":{"type":"linear","arms":4,"features":3,"deviation":0.05},
      "policies":[{"type":"ucb1"},{"type":"lin_ucb","intercept":true}]})"));
  for (std::size_t seed = 0; seed < 3; ++seed) {
    const double single = result.rows[1].courses[seed].regret;  // against the oracle, as of all rows
    EXPECT_GT(single, 100.0) << "the world must reward looking at the context";
    EXPECT_GE(result.rows[3].courses[seed].regret, 0.9 * single) << "ucb1 cannot use the context";
    EXPECT_LT(result.rows[4].courses[seed].regret, 0.25 * single);
  }
}

TEST(Runner, APointPerCategoryLearnsEachCategoryByItself) {
  const Sandbox box;
  std::string log = "c,score:x,score:y\n";
  for (int i = 0; i < 300; ++i) {
    log += i % 2 == 0 ? "u,1,0\n" : "v,0,1\n";
  }
  box.write("log.csv", log);
  const ScenarioResult result = run(scenario_of(R"({"name":"t","seeds":2,"regret_against":"oracle",
      "policies":[{"name":"one","policy":{"type":"thompson_beta"}},
                  {"name":"each","policy":{"type":"thompson_beta"},"per_category":true}],
      "environment":{"type":"full_log","file":"log.csv","outcome":"score:","category":"c"}})",
                                                box.roots()));
  EXPECT_GT(result.rows[4].courses[0].regret, 100.0) << "half of the time one arm for all is wrong";
  EXPECT_LT(result.rows[5].courses[0].regret, 30.0);
}

TEST(Runner, ReportsTheFirstErrorInOrder) {
  const Scenario scenario = scenario_of(kDelayed);
  const Result<ScenarioResult> result = run_scenario(
      scenario, {.jobs = 4, .progress = false, .journal = [](std::size_t policy, std::size_t seed) {
                   return seed == 1 && policy > 0
                              ? Result<std::unique_ptr<Journal>>(fail(Errc::io, "no disk"))
                              : Result<std::unique_ptr<Journal>>(std::unique_ptr<Journal>());
                 }});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "thompson_gaussian, seed 2: no disk");
}

TEST(Runner, TakesOnlyPoliciesThatChooseOneArm) {
  for (const std::string policy :
       {R"({"type":"rucb"})", R"({"type":"gp_optimizer","parameters":[{"name":"x","low":0,"high":1}]})"}) {
    const Result<ScenarioResult> result =
        run_scenario(scenario_of(R"({"name":"n","horizon":20,"seeds":1,"policies":[)" + policy +
                                 R"(],"environment":{"type":"bernoulli","means":[0.1,0.5]}})"),
                     {.jobs = 1, .progress = false});
    ASSERT_FALSE(result) << policy;
    EXPECT_EQ(result.error().code, Errc::unsupported);
    EXPECT_NE(result.error().message.find("does not choose one arm"), std::string::npos)
        << result.error().message;
  }
}

TEST(RunParallel, RunsEachTaskOnce) {
  std::vector<std::atomic<int>> counts(1000);
  run_parallel(1000, 4, [&](std::size_t i) { ++counts[i]; });
  for (const std::atomic<int>& count : counts) {
    ASSERT_EQ(count.load(), 1);
  }
}

TEST(Estimate, IsMeanAndStandardErrorOverSeeds) {
  const Estimate e = estimate({1.0, 2.0, 4.0});
  EXPECT_NEAR(e.mean, 7.0 / 3.0, 1e-12);
  EXPECT_NEAR(e.error, 0.8819171, 1e-7);
  EXPECT_EQ(estimate({5.0}).error, 0.0);
}

/// Thrown where a test lets a run die.
struct Died {};

TEST(Driver, ResumesAnInterruptedRunInTheSameState) {
  const Sandbox box;
  const Scenario scenario = scenario_of(kDelayed);
  for (std::size_t policy = 0; policy < scenario.policies.size(); ++policy) {
    const std::unique_ptr<World> world = scenario.environment->start(1, scenario.horizon);
    const Hindsight hindsight = look_back(scenario, *world);
    const auto drive_with = [&](std::unique_ptr<Journal> journal, DriveOptions options) {
      return drive(scenario, scenario.policies[policy], 1, *world, hindsight, std::move(journal),
                   std::move(options));
    };
    const Result<DriveResult> whole = drive_with(nullptr, {});
    ASSERT_TRUE(whole) << whole.error().message;

    const std::string store = box.path("store" + std::to_string(policy) + ".db");
    // Three lives: two end after a commit, the engine never being told.
    for (const std::uint64_t end : {200U, 500U}) {
      DriveOptions options;
      options.resumption = read_resumption(store).value();
      options.on_learned = [&](std::uint64_t operations) {
        if (operations >= end) {
          throw Died();
        }
      };
      EXPECT_THROW(
          (void)drive_with(open_sqlite_journal(store, OpenMode::read_write).value(), std::move(options)),
          Died);
    }
    DriveOptions options;
    options.resumption = read_resumption(store).value();
    ASSERT_GE(options.resumption.operations, 500U);
    const Result<DriveResult> resumed =
        drive_with(open_sqlite_journal(store, OpenMode::read_write).value(), std::move(options));
    ASSERT_TRUE(resumed) << resumed.error().message;
    EXPECT_EQ(to_hex(sha256(resumed->state)), to_hex(sha256(whole->state))) << scenario.policies[policy].name;
    EXPECT_EQ(resumed->operations, whole->operations);
    ASSERT_EQ(resumed->decisions.size(), whole->decisions.size());
    for (std::size_t i = 0; i < whole->decisions.size(); ++i) {
      ASSERT_EQ(resumed->decisions[i].id, whole->decisions[i].id);
      ASSERT_EQ(resumed->decisions[i].arm, whole->decisions[i].arm);
    }
    EXPECT_EQ(resumed->course.reward, whole->course.reward);
    EXPECT_EQ(resumed->course.regret_curve, whole->course.regret_curve);
  }
}

TEST(Driver, RefusesAStoreOfAnotherScenario) {
  const Sandbox box;
  const Scenario scenario = scenario_of(kDelayed);
  const std::unique_ptr<World> world = scenario.environment->start(1, scenario.horizon);
  const Hindsight hindsight = look_back(scenario, *world);
  DriveOptions options;
  options.resumption.operations = 3;
  options.resumption.decisions.resize(
      3);  // three decisions in a row: this scenario delivers in between or later
  options.resumption.operations = 2;
  const Result<DriveResult> result =
      drive(scenario, scenario.policies[0], 1, *world, hindsight, nullptr, std::move(options));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::corrupt_state);
}

TEST(Driver, RefusesAStoreWhoseArmsTheScenarioDoesNotHave) {
  const Sandbox box;
  const Scenario scenario = scenario_of(kDelayed);
  const std::unique_ptr<World> world = scenario.environment->start(1, scenario.horizon);
  const Hindsight hindsight = look_back(scenario, *world);
  for (const std::size_t arm : {scenario.environment->info().arms.size(), to_index(kNoArm)}) {
    DriveOptions options;
    options.resumption.operations = 1;
    options.resumption.decisions = {{.id = {}, .arm = arm}};
    const Result<DriveResult> result =
        drive(scenario, scenario.policies[0], 1, *world, hindsight, nullptr, std::move(options));
    ASSERT_FALSE(result) << arm;
    EXPECT_EQ(result.error().code, Errc::corrupt_state);
  }
}

}  // namespace
}  // namespace attune::sim::runner_test
