// SPDX-License-Identifier: Apache-2.0
// Many decision points and many arms through the whole engine.
#include <attune/engine/engine.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace attune::engine_scale_test {
namespace {

TEST(EngineScale, AThousandPointsLearnEachForItself) {
  constexpr std::size_t kPoints = 1000;
  std::string config = R"({"seed": 1, "node": "test", "points": {)";
  for (std::size_t i = 0; i < kPoints; ++i) {
    config += (i > 0 ? ", " : "") + ("\"p" + std::to_string(i)) +
              R"(": {"policy": {"type": "ucb1"}, "arms": ["a", "b"]})";
  }
  config += "}}";
  Result<Engine> engine = Engine::open(config);
  ASSERT_TRUE(engine) << engine.error().message;
  std::vector<PointId> points;
  for (std::size_t i = 0; i < kPoints; ++i) {
    points.push_back(engine->point("p" + std::to_string(i)).value());
  }
  Decision decision;
  for (int round = 0; round < 40; ++round) {
    for (std::size_t i = 0; i < kPoints; ++i) {
      ASSERT_EQ(engine->decide(points[i], {}, {}, decision), Errc::ok) << Engine::last_error();
      // "a" pays at even points, "b" at odd ones.
      const bool pays = (to_index(decision.arm_index) == 0) == (i % 2 == 0);
      ASSERT_EQ(engine->outcome(decision.id, pays ? 1.0 : 0.0), Errc::ok) << Engine::last_error();
    }
    ASSERT_TRUE(engine->pump());
  }
  const EngineMetrics metrics = engine->metrics();
  ASSERT_EQ(metrics.points.size(), kPoints);
  for (std::size_t i = 0; i < kPoints; ++i) {
    const PointMetrics& point = metrics.points[i];
    ASSERT_EQ(point.decisions, 40U);
    ASSERT_EQ(point.rewards.learned, 40U);
    ASSERT_GT(point.selections[i % 2], point.selections[1 - i % 2]) << point.name;
  }
}

TEST(EngineScale, AHundredThousandArmsAreTriedEachOnceBeforeAnyTwice) {
  constexpr std::size_t kArms = 100'000;
  std::string config =
      R"({"seed": 1, "node": "test", "points": {"p": {"policy": {"type": "ucb1"}, "arms": [)";
  for (std::size_t arm = 0; arm < kArms; ++arm) {
    config += (arm > 0 ? ",\"" : "\"") + std::to_string(arm) + "\"";
  }
  config += "]}}}";
  Result<Engine> engine = Engine::open(config);
  ASSERT_TRUE(engine) << engine.error().message;
  const PointId point = engine->point("p").value();
  std::set<std::string, std::less<>> seen;
  Decision decision;
  for (std::size_t i = 0; i < 300; ++i) {
    ASSERT_EQ(engine->decide(point, {}, {}, decision), Errc::ok) << Engine::last_error();
    EXPECT_TRUE(seen.emplace(decision.arm.view()).second) << "an arm came twice while others were untried";
    ASSERT_EQ(engine->outcome(decision.id, 0.5), Errc::ok);
    ASSERT_TRUE(engine->pump());
  }
  EXPECT_EQ(engine->metrics().points.front().rewards.learned, 300U);
  // The state comes back, a hundred thousand arms and all.
  EXPECT_GT(engine->state().size(), kArms * 8);
}

}  // namespace
}  // namespace attune::engine_scale_test
