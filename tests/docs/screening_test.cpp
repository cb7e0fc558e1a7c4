// SPDX-License-Identifier: Apache-2.0
// The configuration that docs/screening.md shows does what the page says.
#include <array>
#include <string>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>
#include <attune/engine/engine.hpp>

#include "tests/docs/pages.hpp"

namespace attune::screening_page_test {
namespace {

TEST(ScreeningPage, ItsExampleFallsBackRejectsClipsAndCaps) {
  Result<Engine> engine = Engine::open(test::first_block(test::read_page("docs/screening.md"), "json"));
  ASSERT_TRUE(engine) << engine.error().message;
  const PointId point = engine->point("model").value();
  Rng world(3, 0, 0, 0);
  const auto round = [&](double shift, double quality, double latency, std::string_view source) {
    const std::array<double, 4> x{1.0, sample_normal(world) + shift, sample_normal(world), world.uniform()};
    Decision decision;
    EXPECT_EQ(engine->decide(point, {.dense = x}, {}, decision), Errc::ok);
    // Latency first: a decision is closed when what is required has come.
    const std::array<Component, 2> parts{Component{.name = "latency", .value = latency},
                                         Component{.name = "quality", .value = quality}};
    EXPECT_EQ(engine->outcome(decision.id, parts, {.source = source}), Errc::ok);
    EXPECT_TRUE(engine->pump());
    return decision;
  };
  for (int i = 0; i < 600; ++i) {
    round(0.0, 0.7 + 0.05 * sample_normal(world), 1.0 + world.uniform(), "tenant " + std::to_string(i % 40));
  }
  const Decision odd = round(100.0, 0.7, 1.5, "tenant 1");
  EXPECT_EQ(odd.reason, ChoiceReason::unfamiliar);
  EXPECT_EQ(odd.rung, Rung::fallback);
  EXPECT_EQ(odd.arm, "small");
  round(0.0, 50.0, 1.5, "tenant 2");
  EXPECT_EQ(engine->last_fate(), Fate::rejected);
  round(0.0, 0.7, 900.0, "tenant 3");
  EXPECT_EQ(engine->last_fate(), Fate::learned);
  for (int i = 0; i < 200; ++i) {
    round(0.0, 0.7, 1.5, "flood");
  }
  EXPECT_EQ(engine->last_fate(), Fate::capped);
  const ScreeningMetrics seen = engine->metrics().points.at(0).screening.value();
  EXPECT_EQ(seen.screens.at(0).rejected, seen.screens.at(0).anomalies);
  EXPECT_GE(seen.screens.at(1).clipped, 1U);
  EXPECT_GT(seen.capped, 100U);
}

}  // namespace
}  // namespace attune::screening_page_test
