// SPDX-License-Identifier: Apache-2.0
// Environments made of files: full-information logs, labelled files, the recorded model update, and the
// shared data.
#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/baselines.hpp"
#include "simulations/environment_factory.hpp"
#include "simulations/row_order.hpp"
#include "tests/simulations/sandbox.hpp"

namespace attune::sim::log_environments_test {
namespace {

using test::environment_of;
using test::Sandbox;

constexpr const char* kLog =
    "id,kind,size,e_0,score:x,score:y,tokens\n"
    "1,b,10,0.5,1,0,100\n"
    "2,a,20,0.25,0,1,200\n"
    "3,b,30,-1,0.5,0.25,300\n";
constexpr const char* kLogOptions = R"({
  "type":"full_log","file":"log.csv.gz","outcome":"score:","category":"kind","order":"file",
  "features":{"numeric":["size"],"categorical":["kind"],"embedding":["e_*"]},
  "cost":{"tokens_in":"tokens","prices":{"x":[2,0],"y":[10,0]}}})";

TEST(FullLog, GivesContextCategoryOutcomeAndCostOfEveryRow) {
  const Sandbox box;
  box.write("log.csv.gz", kLog);
  const auto environment = environment_of(kLogOptions, box.roots());
  const EnvironmentInfo& info = environment->info();
  EXPECT_EQ(info.arms, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(info.components, (std::vector<std::string>{"quality", "cost"}));
  EXPECT_EQ(info.features, (std::vector<std::string>{"bias", "kind=a", "kind=b", "size", "e_0"}));
  EXPECT_EQ(info.categories, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(info.length, 3U);
  const std::unique_ptr<World> world = environment->start(1, 3);
  Step step;
  world->step(2, step);
  EXPECT_EQ(step.category, 1U);
  EXPECT_EQ(step.outcome, (std::vector<double>{0.5, 300 * 2 / 1e6, 0.25, 300 * 10 / 1e6}));
  EXPECT_EQ(step.expected, step.outcome);
  // size = 10, 20, 30: mean 20, deviation sqrt(200 / 3); (30 - 20) / 8.1650 / 3 = 0.40825.
  ASSERT_EQ(step.context.size(), 5U);
  EXPECT_EQ(step.context[0], 1.0);
  EXPECT_EQ(step.context[1], 0.0);
  EXPECT_EQ(step.context[2], 1.0);
  EXPECT_NEAR(step.context[3], 0.408248, 1e-6);
  EXPECT_EQ(step.context[4], -1.0);
}

TEST(FullLog, NamesWhatIsMissing) {
  const Sandbox box;
  box.write("log.csv.gz", kLog);
  const auto refusal = [&](const std::string& key, const nlohmann::json& value) {
    nlohmann::json options = nlohmann::json::parse(kLogOptions);
    options[key] = value;
    const auto made = make_environment(options, box.roots());
    return made ? std::string() : made.error().message;
  };
  EXPECT_NE(refusal("outcome", "points:").find("no column starts with \"points:\""), std::string::npos);
  EXPECT_NE(refusal("category", "sort").find("has no column \"sort\""), std::string::npos);
  EXPECT_NE(refusal("features", {{"embedding", {"f_*"}}}).find("no column starts with \"f_\""),
            std::string::npos);
  EXPECT_NE(refusal("features", {{"numeric", {"kind"}}}).find("kind = \"b\" is not a finite number"),
            std::string::npos);
  EXPECT_NE(
      refusal("cost", {{"tokens_in", "tokens"}, {"prices", {{"x", {1, 1}}}}}).find("prices.y is missing"),
      std::string::npos);
  EXPECT_NE(refusal("file", "other.csv").find("other.csv"), std::string::npos);
}

TEST(FullLog, EachSeedShufflesAllRows) {
  const std::vector<std::uint32_t> first = rows_shuffled(100, 1);
  EXPECT_EQ(std::set<std::uint32_t>(first.begin(), first.end()).size(), 100U);
  EXPECT_EQ(first, rows_shuffled(100, 1));
  EXPECT_NE(first, rows_shuffled(100, 2));
  EXPECT_NE(first, rows_shuffled(100, 1, 1));
}

TEST(Supervised, PaysOneForTheRightLabelOnly) {
  const Sandbox box;
  box.write("iris.csv", "x,colour,label\n1,red,no\n2,blue,yes\n3,red,no\n");
  const auto environment = environment_of(
      R"({"type":"supervised","file":"iris.csv","label":"label","order":"file"})", box.roots());
  EXPECT_EQ(environment->info().arms, (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(environment->info().features,
            (std::vector<std::string>{"bias", "colour=blue", "colour=red", "x"}));
  const std::unique_ptr<World> world = environment->start(1, 3);
  Step step;
  world->step(1, step);
  EXPECT_EQ(step.outcome, (std::vector<double>{0.0, 1.0}));
  world->step(2, step);
  EXPECT_EQ(step.outcome, (std::vector<double>{1.0, 0.0}));
}

TEST(SharedData, RouterLogGivesTheFactsThatItsDescriptionStates) {
  if (test::shared_data().empty()) {
    GTEST_SKIP() << "the recorded data is not on this machine";
  }
  // Best single model 0.62, best per task 0.67, oracle 0.80 (README of llmrouter-uiuc); random 0.430 (mean of
  // all scores).
  const Scenario scenario = test::scenario_of(R"({"name":"t","seeds":1,"policies":[{"type":"ucb1"}],
      "environment":{"type":"full_log","preset":"llmrouter-uiuc"},
      "reward":{"components":{"quality":{"weight":1},"cost":{"weight":0,"required":false}}}})",
                                              FileRoots{DataFolder(test::shared_data()), "."});
  EXPECT_EQ(scenario.horizon, 5008U);
  EXPECT_EQ(scenario.environment->info().arms.size(), 9U);
  EXPECT_EQ(scenario.environment->info().categories.size(), 14U);
  EXPECT_EQ(scenario.environment->info().features.size(), 1U + 14U + 14U + 16U);
  const std::unique_ptr<World> world = scenario.environment->start(1, scenario.horizon);
  const std::vector<Course> courses = run_baselines(scenario, *world, look_back(scenario, *world));
  ASSERT_EQ(courses.size(), 5U);  // random, cheapest, best single, best per category, oracle
  const auto mean = [&](std::size_t i) { return courses[i].reward / 5008.0; };
  EXPECT_NEAR(mean(0), 0.430, 1e-3);
  EXPECT_NEAR(mean(2), 0.6226, 5e-5);
  EXPECT_NEAR(mean(3), 0.671, 5e-4);
  EXPECT_NEAR(mean(4), 0.803, 5e-4);
}

TEST(SharedData, ModelUpdateTurnsTheBetterModelIntoTheWorse) {
  if (test::shared_data().empty()) {
    GTEST_SKIP() << "the recorded data is not on this machine";
  }
  const auto environment =
      environment_of(R"({"type":"llm_drift"})", FileRoots{DataFolder(test::shared_data()), "."});
  const std::unique_ptr<World> world = environment->start(1, 6000);
  double before = 0.0;
  double after = 0.0;
  Step step;
  for (std::uint64_t t = 0; t < 6000; ++t) {
    world->step(t, step);
    (t < 3000 ? before : after) += step.outcome_of(1, 3)[0] / 3000;
  }
  // gpt-4: 84 % on both tasks before; 51 % on 1,000 primes and 35 % on 500 happy numbers after.
  EXPECT_NEAR(before, 0.839, 2e-3);
  EXPECT_NEAR(after, 0.458, 2e-3);
}

}  // namespace
}  // namespace attune::sim::log_environments_test
