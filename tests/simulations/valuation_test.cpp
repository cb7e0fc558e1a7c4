// SPDX-License-Identifier: Apache-2.0
#include "simulations/valuation.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace attune::sim::valuation_test {
namespace {

Valuation valuation_of(const char* reward, const std::vector<std::string>& components) {
  return Valuation::make(nlohmann::json::parse(reward), components).value();
}

TEST(Valuation, WeighsComponents) {
  const Valuation v =
      valuation_of(R"({"components":{"quality":{},"cost":{"weight":-200}}})", {"quality", "cost"});
  EXPECT_TRUE(v.linear());
  EXPECT_TRUE(v.has_cost());
  EXPECT_EQ(v.cost(), 1U);
  EXPECT_DOUBLE_EQ(v.value(std::array{1.0, 0.001}), 0.8);
}

TEST(Valuation, ScalesClipsAndCutsOffAtLimits) {
  const Valuation v = valuation_of(R"({"components":{
      "latency":{"weight":-1,"normalise":"range","range":[0,10],"limit":{"max":50}},
      "quality":{"weight":2}},"clip":[-0.25,1.5],"breach_reward":-9})",
                                   {"quality", "latency"});
  EXPECT_FALSE(v.linear());
  EXPECT_DOUBLE_EQ(v.value(std::array{0.5, 5.0}), 0.5);     // 2 * 0.5 - 0.5
  EXPECT_DOUBLE_EQ(v.value(std::array{1.0, 0.0}), 1.5);     // 2 cut to 1.5
  EXPECT_DOUBLE_EQ(v.value(std::array{0.0, 20.0}), -0.25);  // -1 cut to -0.25
  EXPECT_DOUBLE_EQ(v.value(std::array{1.0, 51.0}), -9.0);
}

TEST(Valuation, OfNoSpecificationIsTheReward) {
  const Valuation v = valuation_of("{}", {"reward"});
  EXPECT_DOUBLE_EQ(v.value(std::array{0.3}), 0.3);
  EXPECT_FALSE(v.has_cost());
}

TEST(Valuation, RefusesUnknownComponentsAndRunningScales) {
  const auto refusal = [](const char* reward) {
    return Valuation::make(nlohmann::json::parse(reward), {"quality"}).error().message;
  };
  EXPECT_NE(refusal(R"({"components":{"speed":{}}})").find("reports quality and nothing else"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"components":{"quality":{"normalise":"running"}}})").find("no fixed scale"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"components":{"quality":{"normalise":"range","range":[1,1]}}})").find("low < high"),
            std::string::npos);
}

TEST(Valuation, DefaultRewardCountsTheFirstComponentOnly) {
  const Valuation v = Valuation::make(default_reward({"quality", "cost"}), {"quality", "cost"}).value();
  EXPECT_DOUBLE_EQ(v.value(std::array{0.7, 100.0}), 0.7);
}

}  // namespace
}  // namespace attune::sim::valuation_test
