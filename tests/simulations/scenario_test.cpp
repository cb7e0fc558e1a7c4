// SPDX-License-Identifier: Apache-2.0
#include "simulations/scenario.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/json_reader.hpp"
#include "simulations/replay.hpp"
#include "simulations/runner.hpp"
#include "tests/simulations/sandbox.hpp"

namespace attune::sim::scenario_test {
namespace {

namespace fs = std::filesystem;
using test::refusal;

/// A scenario whose member `key` is `value`.
std::string with(const char* key, const char* value) {
  nlohmann::json document = nlohmann::json::parse(R"({"name":"t","horizon":10,"seeds":1,
      "environment":{"type":"bernoulli","means":[0.1,0.2]},"policies":[{"type":"ucb1"}]})");
  document[key] = nlohmann::json::parse(value);
  return document.dump();
}

TEST(Scenario, AnswersEveryMistakeWithItsPath) {
  EXPECT_EQ(refusal(with("horizon", "10")), "");
  const std::vector<std::array<const char*, 3>> cases{
      {"horizon", "0", "horizon = 0 is outside"},
      {"horizon", "1.5", "horizon = 1.5 must be a whole number"},
      {"horizon", "\"many\"", "horizon = \"many\" must be a number"},
      {"seeds", "0", "seeds = 0 is outside"},
      {"seeds", "[]", "seeds is empty"},
      {"seeds", "[1.5]", "seeds must be whole numbers"},
      {"environment", "7", "environment = 7 must be an object"},
      {"environment", R"({"type":"moon"})", "environment.type = \"moon\" must be one of"},
      {"policies", "[]", "policies must be a list with at least one"},
      {"policies", "[3]", "policies[0] = 3 must be an object"},
      {"policies", R"([{"type":"best"}])", "policies[0]: "},
      {"policies", R"([{"type":"ucb1","exploration":-1}])", "exploration"},
      {"policies", R"([{"type":"ucb1"},{"type":"ucb1"}])", "two policies are named \"ucb1\""},
      {"policies", R"([{"name":"x"}])", "policies[0] needs a \"type\""},
      {"policies", R"([{"policy":{"type":"ucb1"},"context":["x"]}])", "has no feature \"x\""},
      {"policies", R"([{"policy":{"type":"ucb1"},"per_category":true}])", "has no categories"},
      {"policies", R"([{"policy":{"type":"ucb1"},"extra":1}])", "policies[0].extra is not known"},
      {"reward", R"({"components":{"quality":{}}})", "reports reward and nothing else"},
      {"reward", R"({"silence":"maybe"})", "silence"},
      {"delivery", R"({"missing":2})", "delivery.missing = 2 is outside [0, 1]"},
      {"regret_against", "\"best_per_category\"", "has no categories"},
      {"regret_against", "\"luck\"", "must be one of oracle"},
      {"seconds_per_step", "0", "seconds_per_step = 0 is outside"},
      {"surprise", "1", "surprise is not known here"},
  };
  for (const auto& [key, value, expected] : cases) {
    const std::string message = refusal(with(key, value));
    EXPECT_NE(message.find(expected), std::string::npos) << key << " = " << value << ": " << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
  EXPECT_EQ(refusal(R"({"name":"t","horizon":4000,"seeds":1,"seconds_per_step":1e6,
      "environment":{"type":"bernoulli","means":[0.1,0.2]},"policies":[{"type":"ucb1"}]})"),
            "seconds_per_step = 1e+06: 4000 steps would last longer than 95 years");
  EXPECT_EQ(refusal("[]"), "the text = [] must be an object");
  EXPECT_EQ(refusal("{}"), "name is missing");
}

TEST(Scenario, ShowsAPolicyTheFeaturesItAsksFor) {
  const test::Sandbox box;
  box.write("l.csv", "kind,e_0,e_1,score:x,score:y\na,1,2,0,1\nb,3,4,1,0\n");
  const Scenario scenario = test::scenario_of(R"({"name":"t","policies":[
      {"name":"all","policy":{"type":"lin_ucb"}},
      {"name":"some","policy":{"type":"lin_ucb"},"context":["e_*","kind"]},
      {"name":"none","policy":{"type":"ucb1"},"context":[]}],
      "environment":{"type":"full_log","file":"l.csv","outcome":"score:",
                     "features":{"categorical":["kind"],"embedding":["e_*"]}}})",
                                              box.roots());
  // bias, kind=a, kind=b, e_0, e_1
  EXPECT_EQ(scenario.policies[0].features, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(scenario.policies[1].features, (std::vector<std::size_t>{3, 4, 1, 2}));
  EXPECT_TRUE(scenario.policies[2].features.empty());
  EXPECT_EQ(scenario.horizon, 2U) << "a log is as long as it is";
}

TEST(Scenario, GivesEveryArmThePriorOfThePolicy) {
  const Scenario scenario = test::scenario_of(R"({"name":"t","horizon":5,"seeds":1,
      "environment":{"type":"bernoulli","means":[0.1,0.2]},
      "policies":[{"policy":{"type":"ucb1"},"prior":{"mean":0.5,"weight":2}}]})");
  const nlohmann::json config = nlohmann::json::parse(
      engine_config(scenario.environment->info(), scenario.reward_json, scenario.policies[0], 3));
  EXPECT_EQ(config.at("points").at("choice").at("arms").at(1).at("prior"),
            nlohmann::json({{"mean", 0.5}, {"weight", 2.0}}));
  EXPECT_EQ(config.at("seed"), 3);
}

/// The scenarios that ship with attune.
std::vector<fs::path> shipped() {
  std::vector<fs::path> out;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(fs::path(ATTUNE_TEST_SOURCE_DIR) / "examples/scenarios")) {
    if (entry.path().extension() == ".json") {
      out.push_back(entry.path());
    }
  }
  return out;
}

TEST(ShippedScenarios, AllLoadAndRunAFewSteps) {
  const std::vector<fs::path> files = shipped();
  EXPECT_GE(files.size(), 12U);
  for (const fs::path& file : files) {
    const std::string text = test::read_file(file.string());
    nlohmann::json document = parse_json(text, file.string()).value();
    EXPECT_EQ(document.at("name"), file.stem().string());
    EXPECT_LT(document.at("about").get<std::string>().size(), 140U) << "one line in attune-sim list";
    const bool needs_data = text.find("llmrouter-uiuc") != std::string::npos ||
                            text.find("routellm-evals") != std::string::npos ||
                            text.find("llm_drift") != std::string::npos || is_replay(document);
    if (needs_data && test::shared_data().empty()) {
      continue;
    }
    document["seeds"] = 1;
    FileRoots roots{DataFolder(test::shared_data()), file.parent_path().string()};
    if (is_replay(document)) {
      const Result<ReplayPlan> plan = make_replay_plan(document, roots);
      EXPECT_TRUE(plan) << plan.error().message;
      continue;
    }
    document["horizon"] = 60;
    const Result<Scenario> scenario = make_scenario(document, roots);
    ASSERT_TRUE(scenario) << file << ": " << scenario.error().message;
    const Result<ScenarioResult> result = run_scenario(*scenario, {.jobs = 1, .progress = false});
    ASSERT_TRUE(result) << file << ": " << result.error().message;
  }
}

}  // namespace
}  // namespace attune::sim::scenario_test
