// SPDX-License-Identifier: Apache-2.0
// Drift watches as a caller of attune-serve sees them.
#include <string>

#include "tests/tools/serve_fixture.hpp"

namespace attune::tools::serve_drift_test {
namespace {

class ServeDrift : public test::Serve {};

TEST_F(ServeDrift, MetricsCountAndHealthComplainsUntilTheAlertIsOver) {
  open(R"({"seed": 1, "points": {"model": {"policy": {"type": "ucb1"}, "arms": ["a", "b"],
      "drift": [{"watch": "reward_per_arm", "actions": ["alert", "reset_arm"], "alert_s": 60}]},
      "plain": {"policy": {"type": "ucb1"}, "arms": ["a"]}}})");
  for (int i = 0; i < 400; ++i) {
    const std::string id = decide("model");
    send({{"op", "outcome"}, {"id", id}, {"components", {{"reward", (i % 3) + (i < 200 ? 0 : 10)}}}});
  }
  const test::Json points = ask(R"({"op":"metrics"})")["points"];
  const test::Json& drift = points[0]["drift"][0];
  EXPECT_EQ(drift["name"], "reward_per_arm");
  EXPECT_EQ(drift["detector"], "adwin");
  EXPECT_EQ(drift["values"], 400);
  EXPECT_GE(drift["drifts"], 1);
  EXPECT_GE(drift["actions"]["reset_arm"], 1);
  EXPECT_GT(drift["last_position"], 400);
  EXPECT_EQ(drift["alert"], true);
  EXPECT_FALSE(points[1].contains("drift"));
  const test::Json health = ask(R"({"op":"health"})");
  EXPECT_EQ(health["level"], "degraded") << health;
  EXPECT_NE(health["reasons"][0]["sentence"].get<std::string>().find("point 'model' has drifted"),
            std::string::npos);
  clock_->advance(60 * kSecond);
  session_.settle();
  EXPECT_EQ(ask(R"({"op":"metrics"})")["points"][0]["drift"][0]["alert"], false);
  EXPECT_TRUE(ask(R"({"op":"health"})")["reasons"].empty());
}

}  // namespace
}  // namespace attune::tools::serve_drift_test
