// SPDX-License-Identifier: Apache-2.0
// Screening as a caller of attune-serve sees it.
#include <string>

#include "tests/tools/serve_fixture.hpp"

namespace attune::tools::serve_screening_test {
namespace {

class ServeScreening : public test::Serve {};

TEST_F(ServeScreening, SourcesAreCappedAnomaliesRejectedAndMetricsCount) {
  open(
      R"({"seed": 1, "points": {"model": {"policy": {"type": "lin_ts"}, "arms": ["a", "b"], "context": {"dimension": 2},
      "fallback": "b",
      "screening": {"contexts": {"action": "fall_back"}, "sources": {"share": 0.1, "window": 50, "floor": 50},
        "outcomes": [{"watch": "component", "component": "reward", "action": "reject", "per": "point",
                      "detector": {"type": "z_score", "warm_up": 10}}]}},
      "plain": {"policy": {"type": "ucb1"}, "arms": ["a"]}}})");
  const auto decided = [&](double x) {
    return send({{"op", "decide"}, {"point", "model"}, {"context", {x, 1.0}}});
  };
  const auto report = [&](double reward, const std::string& source) {
    const std::string id = decided(0.5)["id"];
    return send({{"op", "outcome"}, {"id", id}, {"reward", reward}, {"source", source}});
  };
  for (int i = 0; i < 150; ++i) {
    const std::string id = decided(0.01 * (i % 7))["id"];
    send({{"op", "outcome"}, {"id", id}, {"reward", 0.1 * (i % 5)}});
  }
  EXPECT_EQ(report(1e6, "x")["fate"], "rejected");
  int capped = 0;
  for (int i = 0; i < 20; ++i) {
    capped += report(0.1 * (i % 5), "loud")["fate"] == "capped" ? 1 : 0;
  }
  EXPECT_EQ(capped, 15);
  const test::Json odd = decided(1e3);
  EXPECT_EQ(odd["reason"], "unfamiliar");
  EXPECT_EQ(odd["rung"], "fallback");
  EXPECT_EQ(odd["arm"], "b");
  const test::Json points = ask(R"({"op":"metrics"})")["points"];
  const test::Json& screening = points[0]["screening"];
  EXPECT_EQ(screening["contexts"]["action"], "fall_back");
  EXPECT_GE(screening["contexts"]["unfamiliar"], 1);
  EXPECT_EQ(screening["sources"]["capped"], 15);
  EXPECT_EQ(screening["outcomes"][0]["name"], "reward");
  EXPECT_EQ(screening["outcomes"][0]["rejected"], 1);
  EXPECT_FALSE(points[1].contains("screening"));
  EXPECT_TRUE(ask(R"({"op":"outcome","id":"x","source":7})").contains("error"));
}

}  // namespace
}  // namespace attune::tools::serve_screening_test
