// SPDX-License-Identifier: Apache-2.0
/// @file
/// One point "p" under simulated time, for actions that are more than one arm.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/clock.hpp>
#include <attune/engine/engine.hpp>

namespace attune::test {

inline const Act kOps{.actor = "ops", .time = 0};

class Actions : public ::testing::Test {
 protected:
  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  std::unique_ptr<Engine> engine;
  PointId point{};

  void open(const std::string& body) {
    Result<Engine> made =
        Engine::open(R"({"seed":1,"points":{"p":{)" + body + "}}}",
                     {.clock = clock, .journal = nullptr, .credit_functions = {}, .log = {}});
    ASSERT_TRUE(made) << made.error().message;
    engine = std::make_unique<Engine>(std::move(*made));
    point = engine->point("p").value();
  }
  static std::string refusal(const std::string& body) {
    const Result<Engine> made = Engine::open(R"({"seed":1,"points":{"p":{)" + body + "}}}");
    if (made) {
      return "";
    }
    EXPECT_EQ(made.error().code, Errc::invalid_config);
    return made.error().message;
  }
  Decision decide(Features context = {}, const DecideOptions& options = {}) {
    Decision out;
    EXPECT_EQ(engine->decide(point, {.dense = context}, options, out), Errc::ok) << Engine::last_error();
    return out;
  }
  void tell(const Decision& decision, double reward) {
    ASSERT_EQ(engine->outcome(decision.id, reward), Errc::ok) << Engine::last_error();
    ASSERT_TRUE(engine->pump());
  }
  [[nodiscard]] PointMetrics seen() const { return engine->metrics().points.at(0); }
  static std::vector<std::string> names(const Decision& decision) {
    return {decision.shown.begin(), decision.shown.end()};
  }
};

}  // namespace attune::test
