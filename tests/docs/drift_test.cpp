// SPDX-License-Identifier: Apache-2.0
// The configuration that docs/drift.md shows does what the page says.
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/engine/engine.hpp>

namespace attune::drift_page_test::drift_test {
namespace {

std::string example() {
  std::ifstream file(std::string(ATTUNE_TEST_SOURCE_DIR) + "/docs/drift.md");
  EXPECT_TRUE(file);
  const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::string fence = "```json\n";
  const std::size_t from = page.find(fence) + fence.size();
  return page.substr(from, page.find("```", from) - from);
}

TEST(DriftPage, ItsExampleFindsAnUpdatedModelAndAChangedPrice) {
  Result<Engine> engine = Engine::open(example());
  ASSERT_TRUE(engine) << engine.error().message;
  const PointId point = engine->point("model").value();
  Decision decision;
  Rng world(3, 0, 0, 0);
  for (int i = 0; i < 1600; ++i) {
    const bool updated = i >= 800;
    const std::array<NamedFeature, 1> context{
        NamedFeature{.name = "prompt_length", .number = std::exp(6.0 + world.uniform())}};
    ASSERT_EQ(engine->decide(point, {.named = context}, {}, decision), Errc::ok);
    const bool good = (decision.arm == "large") != updated;
    const std::array<Component, 2> parts{
        Component{.name = "quality", .value = world.uniform() < (good ? 0.9 : 0.3) ? 1.0 : 0.0},
        Component{.name = "cost", .value = (updated ? 2.0 : 1.0) + 0.1 * world.uniform()}};
    ASSERT_EQ(engine->outcome(decision.id, parts), Errc::ok);
    ASSERT_TRUE(engine->pump());
  }
  const PointMetrics now = engine->metrics().points.at(0);
  EXPECT_GE(now.drift.at(0).drifts, 1U);
  EXPECT_GE(now.drift.at(1).drifts, 1U);
  EXPECT_EQ(now.drift.at(2).drifts, 0U);
  EXPECT_EQ(engine->health().level, EngineHealth::Level::degraded);
  EXPECT_EQ(engine->health().reasons.size(), 2U);
  EXPECT_EQ(decision.arm, "small");
}

}  // namespace
}  // namespace attune::drift_page_test::drift_test
