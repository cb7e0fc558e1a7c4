// SPDX-License-Identifier: Apache-2.0
// The measurement of regret, and the command around it; the figures are in regret_slow_test.cpp.
#include "simulations/regret.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/simulations/sandbox.hpp"

namespace attune::sim::regret_test {
namespace {

using nlohmann::json;
using test::expect_refused;
using test::Outcome;
using test::run_program;

Regret measure(const json& policy, std::size_t instance, std::uint64_t runs, bool known_horizon = false) {
  Result<Regret> regret = measure_regret(policy, standard_instances().at(instance),
                                         {.runs = runs, .known_horizon = known_horizon});
  EXPECT_TRUE(regret) << regret.error().message;
  return regret ? *regret : Regret{};
}

TEST(Regret, ConstantsOfLaiAndRobbins) {
  // As in the table that the known figures come from.
  const std::vector<double> known{2.252, 7.141, 17.45, 44.70, 44.70, 7.516, 491.7};
  ASSERT_EQ(known.size(), standard_instances().size());
  for (std::size_t i = 0; i < known.size(); ++i) {
    EXPECT_NEAR(lai_robbins_constant(standard_instances()[i].means), known[i], 5e-4 * known[i]) << i;
  }
  EXPECT_EQ(lai_robbins_constant(std::vector<double>{0.5, 0.5}), 0.0);
}

TEST(Regret, DoesNotDependOnThreads) {
  const RegretInstance& instance = standard_instances()[0];
  const Regret one = measure_regret({{"type", "imed"}}, instance, {.runs = 7, .seed = 3, .jobs = 1}).value();
  const Regret four = measure_regret({{"type", "imed"}}, instance, {.runs = 7, .seed = 3, .jobs = 4}).value();
  EXPECT_EQ(one.curve, four.curve);
  EXPECT_EQ(one.errors, four.errors);
  const Regret other =
      measure_regret({{"type", "imed"}}, instance, {.runs = 7, .seed = 4, .jobs = 1}).value();
  EXPECT_NE(one.curve, other.curve);
}

TEST(Regret, CurvesGrowAndEndAtTheRegret) {
  const Regret regret = measure({{"type", "ucb1"}}, 0, 4);
  EXPECT_TRUE(std::ranges::is_sorted(regret.curve));
  EXPECT_TRUE(std::ranges::is_sorted(regret.steps));
  EXPECT_EQ(regret.steps.back(), 5000.0);
  EXPECT_EQ(regret.mean, regret.curve.back());
  EXPECT_LT(regret.early, regret.mean);
}

TEST(RegretCommand, PrintsMeasuredAndKnownFigures) {
  const Outcome outcome =
      run_program({"regret", "--policy", "kl_moss", "--policy", R"({"type":"moss","alpha":0.5})",
                   "--instance", "1", "--runs", "5", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const json answer = json::parse(outcome.out).at("instances").at(0);
  EXPECT_EQ(answer.at("horizon"), 5000);
  EXPECT_EQ(answer.at("runs"), 5);
  EXPECT_EQ(answer.at("known").at("Thompson"), 9.27);
  EXPECT_EQ(answer.at("policies").at(1).at("policy").at("alpha"), 0.5);
  EXPECT_GT(answer.at("policies").at(0).at("regret").get<double>(), 0.0);

  const Outcome table = run_program(
      {"regret", "--policy", "imed", "--means", "0.2,0.1", "--steps", "300", "--runs", "3", "--markdown"});
  ASSERT_EQ(table.code, 0) << table.err;
  EXPECT_TRUE(table.out.starts_with(
      "| instance | T | runs | imed |\n| --- | --- | --- | --- |\n| 0.2, 0.1 | 300 | 3 | "))
      << table.out;
}

TEST(RegretCommand, WritesCharts) {
  const test::Sandbox box;
  const std::string folder = box.path("charts");
  const Outcome outcome =
      run_program({"regret", "--policy", "imed", "--instance", "1", "--runs", "2", "--plots", folder});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(test::read_file(folder + "/regret-1.svg").find("data-name=\"imed\""), std::string::npos);
}

TEST(RegretCommand, WrongInputIsNamed) {
  expect_refused(run_program({"regret", "--instance", "8"}), "--instance = 8 is outside [1, 7]");
  expect_refused(run_program({"regret", "--means", "0.5,1.5", "--steps", "10"}), "outside [0, 1]");
  expect_refused(run_program({"regret", "--means", "0.5,0.4"}), "--means needs --steps");
  expect_refused(run_program({"regret", "--policy", "ucb9", "--instance", "1"}), "ucb9");
  expect_refused(run_program({"regret", "--policy", "{", "--instance", "1"}), "--policy");
  expect_refused(run_program({"regret", "--policy", "q_learning", "--instance", "1"}), "policy");
}

}  // namespace
}  // namespace attune::sim::regret_test
