// SPDX-License-Identifier: Apache-2.0
/// @file
/// An engine with one guarded point "p", whose world the test makes up.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/engine/engine.hpp>

namespace attune::test {

class SafetyTest : public ::testing::Test {
 protected:
  static constexpr std::string_view kReward =
      R"("reward":{"components":{"reward":{},"latency":{"weight":0,"required":false},)"
      R"("error":{"weight":0,"required":false},"cost":{"weight":0,"required":false}},"join_window_s":1e6})";

  /// `safety`: the members of "safety"; `more`: of the point.
  static std::string config(std::string_view safety, std::string_view policy = R"({"type":"epsilon_greedy"})",
                            std::string_view arms = R"(["a","b","c"])", std::string_view more = {},
                            std::string_view mode = "pump") {
    return R"({"seed":1,"node":"n","mode":")" + std::string(mode) + R"(","points":{"p":{"policy":)" +
           std::string(policy) + R"(,"arms":)" + std::string(arms) + "," + std::string(kReward) +
           R"(,"safety":{)" + std::string(safety) + "}" + std::string(more) + "}}}";
  }
  void open(const std::string& text) {
    Result<Engine> opened =
        Engine::open(text, {.clock = clock,
                            .journal = nullptr,
                            .credit_functions = {},
                            .log = [this](int, std::string_view line) { lines.emplace_back(line); }});
    ASSERT_TRUE(opened) << opened.error().message;
    engine.emplace(std::move(*opened));
    point = engine->point("p").value();
  }
  Decision decide(std::span<const std::string_view> arms = {}) {
    Decision out;
    EXPECT_EQ(engine->decide(point, {}, {.arms = arms}, out), Errc::ok) << Engine::last_error();
    return out;
  }
  /// Decides and reports what `world` says of the arm: components by name.
  using World = std::function<std::vector<Component>(std::string_view arm)>;
  Decision round(const World& world) {
    Decision decision = decide();
    const std::vector<Component> parts = world(decision.arm);
    EXPECT_EQ(engine->outcome(decision.id, parts), Errc::ok) << Engine::last_error();
    EXPECT_TRUE(engine->pump());
    return decision;
  }
  std::map<std::string, int, std::less<>> rounds(int count, const World& world) {
    std::map<std::string, int, std::less<>> chosen;
    for (int i = 0; i < count; ++i) {
      ++chosen[std::string(round(world).arm)];
    }
    return chosen;
  }
  SafetyMetrics safety() { return engine->metrics().points.at(0).safety.value(); }
  GuardMetrics guard(std::string_view arm, std::string_view name = {}) {
    for (const GuardMetrics& one : safety().guards) {
      if (one.arm == arm && (name.empty() || one.name == name)) {
        return one;
      }
    }
    return {};
  }
  static Act ops() { return {.actor = "ops", .time = 0}; }

  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  std::optional<Engine> engine;
  PointId point{};
  std::vector<std::string> lines;
};

}  // namespace attune::test
