// SPDX-License-Identifier: Apache-2.0
/// @file
/// One point "p" under simulated time, for actions that are more than one arm.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/clock.hpp>
#include <attune/engine/engine.hpp>

#include "tests/support/statistics.hpp"

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

  /// What is shown is one of `kinds`, each as likely as any other, drawn uniformly and said to be.
  void expect_all_alike(std::size_t kinds) {
    std::map<std::vector<std::string>, double> counts;
    const double share = 1.0 / static_cast<double>(kinds);
    for (std::size_t i = 0; i < 1000 * kinds; ++i) {
      const Decision decision = decide();
      ASSERT_EQ(decision.rung, Rung::uniform);
      ASSERT_DOUBLE_EQ(decision.propensity, share);
      ++counts[names(decision)];
      ASSERT_TRUE(engine->pump());
    }
    ASSERT_EQ(counts.size(), kinds);
    std::vector<double> seen;
    for (const auto& [shown, count] : counts) {
      seen.push_back(count);
    }
    EXPECT_TRUE(matches_probabilities(seen, std::vector<double>(kinds, share)));
  }
};

}  // namespace attune::test
