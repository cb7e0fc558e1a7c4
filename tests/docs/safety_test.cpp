// SPDX-License-Identifier: Apache-2.0
// The configuration that docs/safety.md shows does what the page says.
#include <array>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <attune/engine/engine.hpp>

#include "tests/docs/pages.hpp"

namespace attune::safety_test {
namespace {

TEST(SafetyPage, ItsExampleTakesOutAFailingArmAndStandsInForAKilledPolicy) {
  Result<Engine> engine = Engine::open(test::first_block(test::read_page("docs/safety.md"), "json"));
  ASSERT_TRUE(engine) << engine.error().message;
  const PointId point = engine->point("model").value();
  Decision decision;
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(engine->decide(point, {}, {}, decision), Errc::ok);
    const std::array<Component, 4> parts{
        Component{.name = "quality", .value = decision.arm == "large" ? 0.8 : 0.7},
        Component{.name = "latency", .value = 0.5},
        Component{.name = "error", .value = decision.arm == "new" ? 1.0 : 0.0},
        Component{.name = "cost", .value = 0.001}};
    ASSERT_EQ(engine->outcome(decision.id, parts), Errc::ok);
    ASSERT_TRUE(engine->pump());
  }
  const SafetyMetrics safety = engine->metrics().points.at(0).safety.value();
  EXPECT_EQ(safety.held_back, 1U);
  EXPECT_TRUE(safety.snapshot || safety.trips > 0);
  EXPECT_NE(engine->health().reasons.at(0).sentence.find("has taken out arm 'new' of 'model'"),
            std::string::npos);
  ASSERT_TRUE(engine->kill(point, true, {.actor = "anna", .time = 0}, "wrong prices"));
  ASSERT_EQ(engine->decide(point, {}, {}, decision), Errc::ok);
  EXPECT_EQ(decision.rung, Rung::allocation);
  EXPECT_EQ(decision.propensity, decision.arm == "small" ? 0.75 : 0.25);
}

}  // namespace
}  // namespace attune::safety_test
