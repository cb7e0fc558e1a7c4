// SPDX-License-Identifier: Apache-2.0
// "phases" of a scenario: the reward of parts of a run by themselves.
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/environment_factory.hpp"
#include "simulations/output.hpp"
#include "simulations/runner.hpp"
#include "simulations/scenario.hpp"

namespace attune::sim::phases_test {
namespace {

using nlohmann::json;

json document(const json& phases) {
  return {{"name", "two halves"},
          {"environment",
           {{"type", "piecewise"},
            {"phases", {{{"until", 40}, {"means", {1.0, 0.0}}}, {{"means", {0.0, 1.0}}}}}}},
          {"policies", {{{"type", "ucb1"}}}},
          {"horizon", 100},
          {"seeds", 3},
          {"phases", phases}};
}

TEST(Phases, EachPartHasItsOwnMean) {
  const Result<Scenario> scenario = make_scenario(document(json::array({40})), {});
  ASSERT_TRUE(scenario) << scenario.error().message;
  const Result<ScenarioResult> result = run_scenario(*scenario, {.jobs = 1, .progress = false});
  ASSERT_TRUE(result) << result.error().message;
  const json out = result_json(*scenario, *result);
  bool single = false;
  for (const json& row : out["results"]) {
    ASSERT_EQ(row["phases"].size(), 2U) << row["name"];
    const double first = row["phases"][0]["reward_per_step"]["mean"];
    const double second = row["phases"][1]["reward_per_step"]["mean"];
    // The parts add up to the whole; sums of at most 100 numbers of size 1.
    EXPECT_NEAR(40.0 * first + 60.0 * second, 100.0 * row["reward_per_step"]["mean"].get<double>(), 1e-9);
    if (row["name"] == "best single") {
      single = true;
      EXPECT_EQ(first, 0.0);
      EXPECT_EQ(second, 1.0);
    }
  }
  EXPECT_TRUE(single);
  EXPECT_EQ(out["results"][0]["phases"][1]["from"], 40);
  EXPECT_EQ(out["results"][0]["phases"][1]["until"], 100);
  const std::string table = result_table(*scenario, *result);
  EXPECT_NE(table.find("from 0"), std::string::npos) << table;
  EXPECT_NE(table.find("from 40"), std::string::npos);
}

TEST(Phases, WithoutThemNothingIsShown) {
  json plain = document(json::array({40}));
  plain.erase("phases");
  const Result<Scenario> scenario = make_scenario(plain, {});
  ASSERT_TRUE(scenario);
  const Result<ScenarioResult> result = run_scenario(*scenario, {.jobs = 1, .progress = false});
  ASSERT_TRUE(result);
  EXPECT_FALSE(result_json(*scenario, *result)["results"][0].contains("phases"));
  EXPECT_EQ(result_table(*scenario, *result).find("from 0"), std::string::npos);
}

TEST(Phases, AreWholeStepsThatGrow) {
  for (const char* text : {"[40, 40]", "[50, 40]", "[0]", "[1.5]", "[\"a\"]", "[-1]"}) {
    const json bad = json::parse(text);
    const Result<Scenario> scenario = make_scenario(document(bad), {});
    ASSERT_FALSE(scenario) << bad;
    EXPECT_NE(scenario.error().message.find("phases"), std::string::npos) << scenario.error().message;
  }
  EXPECT_EQ(make_scenario(document(json::array({40, 100, 2000})), {}).value().phases.size(), 1U);
}

}  // namespace
}  // namespace attune::sim::phases_test
