// SPDX-License-Identifier: Apache-2.0
// Worlds for bandits whose action is more than one arm, and the commands around them.
#include <algorithm>
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/simulations/sandbox.hpp"

namespace attune::sim::sets_test {
namespace {

using nlohmann::json;
using test::expect_refused;
using test::Outcome;
using test::run_program;

/// Regret of each policy, by type.
std::map<std::string, double> regrets(const std::vector<std::string>& arguments) {
  std::vector<std::string> all = arguments;
  all.insert(all.end(), {"--json", "--quiet"});
  const Outcome outcome = run_program(all);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  std::map<std::string, double> found;
  const json read = json::parse(outcome.out);
  for (const json& policy : read.at("worlds").at(0).at("policies")) {
    EXPECT_TRUE(std::ranges::is_sorted(policy.at("curve")));
    found[policy.at("policy").at("type").get<std::string>()] = policy.at("regret").get<double>();
  }
  return found;
}

TEST(SlatesCommand, PoliciesStayFarBelowAUniformDraw) {
  for (const std::string world : {"items", "cascade"}) {
    const auto regret = regrets({"slates", "--world", world, "--steps", "3000", "--runs", "4"});
    for (const std::string policy : {"top_k_kl_ucb", "top_k_thompson"}) {
      EXPECT_LT(regret.at(policy), 0.25 * regret.at("uniform")) << world;
    }
    EXPECT_LT(regret.at("top_k_ucb"), 0.7 * regret.at("uniform")) << world;
  }
}

TEST(SlatesCommand, RefusesWorldsAndPoliciesThatThereAreNot) {
  expect_refused(run_program({"slates", "--world", "moon"}),
                 "--world = moon is none of: items, cascade, whole");
  expect_refused(run_program({"slates", "--world", "items", "--policy", "ucb1"}), "is none of");
  expect_refused(run_program({"slates", "--world", "whole", "--policy", "top_k_ucb", "--quiet"}),
                 "top_k_ucb does not learn from what the world whole tells");
}

TEST(ContinuousCommand, PoliciesStayFarBelowUniformActions) {
  for (const std::string world : {"convex", "kink", "context"}) {
    for (const auto& [policy, regret] :
         regrets({"continuous", "--world", world, "--steps", "5000", "--runs", "3"})) {
      EXPECT_TRUE(policy == "uniform" || regret < 500.0) << world << " " << policy;  // uniform: 1,130 or more
    }
  }
  expect_refused(
      run_program({"continuous", "--policy", R"({"type":"optimistic_tree","high":[2]})", "--quiet"}),
      "the worlds have one action, from 0 to 1");
}

TEST(DuelsCommand, PoliciesStayBelowRandomPairs) {
  const auto ladder = regrets({"duels", "--world", "ladder", "--steps", "5000", "--runs", "3"});
  for (const std::string policy : {"double_thompson", "bradley_terry"}) {
    EXPECT_LT(ladder.at(policy), 0.3 * ladder.at("uniform"));
  }
  EXPECT_LT(ladder.at("rucb"), 0.6 * ladder.at("uniform"));
}

TEST(DuelsCommand, ModelsThatPeopleComparedAreAWorldWhereTheDataIs) {
  if (test::shared_data().empty()) {
    expect_refused(run_program({"duels", "--world", "llmfao"}), "is none of: ladder");
    return;
  }
  const auto regret = regrets({"duels", "--world", "llmfao", "--policy", "uniform", "--policy",
                               "bradley_terry", "--steps", "5000", "--runs", "3"});
  EXPECT_LT(regret.at("bradley_terry"), 0.7 * regret.at("uniform"));
}

TEST(SlatesCommand, TheSameSeedGivesTheSameFiguresOnAnyNumberOfThreads) {
  const std::vector<std::string> one{"slates", "--world", "items",   "--steps", "200",
                                     "--runs", "3",       "--quiet", "--jobs",  "1"};
  std::vector<std::string> three = one;
  three.back() = "3";
  EXPECT_EQ(run_program(one).out, run_program(three).out);
}

}  // namespace
}  // namespace attune::sim::sets_test
