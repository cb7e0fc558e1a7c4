// SPDX-License-Identifier: Apache-2.0
#include "simulations/tradeoff_command.hpp"

#include <cmath>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/environment_factory.hpp"

namespace attune::sim::tradeoff_test {
namespace {

TradeoffMeans two_categories() {
  return {.arms = {"dear", "cheap"},
          .share = {0.25, 0.75},
          .reward = {{0.9, 0.5}, {0.6, 0.5}},
          .cost = {{1.0, 0.2}, {1.0, 0.2}}};
}

TEST(Tradeoff, BestMixturesAreThoseByHand) {
  const TradeoffMeans means = two_categories();
  EXPECT_NEAR(means.mean(means.reward, 0), 0.675, 1e-15);
  // Half of the way from 0.2 to 1: half of the steps with the dear arm.
  EXPECT_NEAR(means.best_mixture(0.6, false), 0.5 + 0.5 * 0.175, 1e-9);
  // The dear arm where it is worth 0.4 more, which takes 0.25 * 0.8; what is left buys 0.1 for 0.8 elsewhere.
  EXPECT_NEAR(means.best_mixture(0.6, true), 0.5 + 0.25 * 0.4 + (0.2 / 0.8) * 0.1, 1e-9);
  EXPECT_NEAR(means.best_mixture(5.0, true), 0.25 * 0.9 + 0.75 * 0.6, 1e-9);
  EXPECT_NEAR(means.best_mixture(0.2, false), 0.5, 1e-9);
  EXPECT_TRUE(std::isnan(means.best_mixture(0.19, false)));
  EXPECT_TRUE(std::isnan(means.best_mixture(0.19, true)));
}

TEST(Tradeoff, PrintsArmsAndRatesOfASimulatedGateway) {
  testing::internal::CaptureStdout();
  const Exit code = tradeoff_command(
      {.environment = R"({"type": "llm_gateway"})", .seeds = 2, .horizon = 400, .json = true});
  const std::string text = testing::internal::GetCapturedStdout();
  ASSERT_EQ(code, Exit::ok);
  const nlohmann::json result = nlohmann::json::parse(text);
  ASSERT_FALSE(result["arms"].empty());
  EXPECT_EQ(result["rates"].size(), 4U);
  bool front = false;
  for (const nlohmann::json& arm : result["arms"]) {
    front = front || arm["front"].get<bool>();
  }
  EXPECT_TRUE(front);
  for (const nlohmann::json& row : result["rates"]) {
    EXPECT_GE(row["best_mixture_by_category"].get<double>(), row["best_mixture"].get<double>() - 1e-9);
  }
}

TEST(Tradeoff, WhatIsNotThereIsNamed) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(tradeoff_command({.environment = R"({"type": "llm_gateway"})", .cost = "petrol"}), Exit::input);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("have no component \"petrol\""), std::string::npos);
  testing::internal::CaptureStderr();
  EXPECT_EQ(tradeoff_command({.environment = "{"}), Exit::input);
  EXPECT_FALSE(testing::internal::GetCapturedStderr().empty());
}

}  // namespace
}  // namespace attune::sim::tradeoff_test
