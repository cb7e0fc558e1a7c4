// SPDX-License-Identifier: Apache-2.0
/// @file
/// An engine with one watched point "p" over arms a, b and c, whose rewards the test makes up.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/engine/engine.hpp>

namespace attune::test {

/// What came back is drawn by a generator of the test's own, keyed by the step.
class DriftTest : public ::testing::Test {
 protected:
  /// `watches`: the members of "drift"; `more`: of the point.
  static std::string config(std::string_view watches, std::string_view policy = R"({"type":"thompson_beta"})",
                            std::string_view more = {}, std::string_view mode = "pump") {
    return R"({"seed":1,"node":"n","mode":")" + std::string(mode) + R"(","points":{"p":{"policy":)" +
           std::string(policy) +
           R"(,"arms":["a","b","c"],"context":{"dimension":2},"reward":{"components":{)" +
           R"("reward":{},"cost":{"weight":0,"required":false}},"join_window_s":1e6},"drift":[)" +
           std::string(watches) + "]" + std::string(more) + "}}}";
  }
  void open(const std::string& text) {
    Result<Engine> opened = Engine::open(
        text, {.clock = clock,
               .journal = nullptr,
               .credit_functions = {},
               .log = [this](int, std::string_view line) { lines.emplace_back(line); },
               .retrain =
                   [this](std::string_view point_name, std::string_view watch, std::uint64_t position) {
                     retrained.emplace_back(std::string(point_name) + "/" + std::string(watch));
                     retrained_at = position;
                   }});
    ASSERT_TRUE(opened) << opened.error().message;
    engine.emplace(std::move(*opened));
    point = engine->point("p").value();
  }
  [[nodiscard]] double uniform(std::uint32_t purpose = 0) const { return Rng(7, 0, step, purpose).uniform(); }

  /// One decision and its outcome. `mean`: of the arm's 0/1 reward. `shift`: added to the second feature.
  using World = std::function<double(std::string_view arm)>;
  Decision round(const World& mean, double shift = 0.0, double cost = 0.0) {
    ++step;
    clock->advance(kSecond);
    const std::array<double, 2> x{1.0, uniform(1) + shift};
    Decision out;
    EXPECT_EQ(engine->decide(point, {.dense = x}, {}, out), Errc::ok) << Engine::last_error();
    const std::array<Component, 2> parts{
        Component{.name = "reward", .value = uniform(2) < mean(out.arm) ? 1.0 : 0.0},
        Component{.name = "cost", .value = uniform(3) + cost}};
    EXPECT_EQ(engine->outcome(out.id, parts), Errc::ok) << Engine::last_error();
    EXPECT_TRUE(engine->pump());
    return out;
  }
  void rounds(int count, const World& mean, double shift = 0.0, double cost = 0.0) {
    for (int i = 0; i < count; ++i) {
      round(mean, shift, cost);
    }
  }
  DriftMetrics drift(std::size_t watch = 0) { return engine->metrics().points.at(0).drift.at(watch); }
  std::uint64_t times(std::string_view action, std::size_t watch = 0) {
    for (const auto& [name, count] : drift(watch).actions) {
      if (name == action) {
        return count;
      }
    }
    return 0;
  }
  /// What the policy expects of an arm: a column of its description.
  double described(std::size_t row, std::string_view column) {
    const Description text = engine->describe(point).value();
    for (std::size_t i = 0; i < text.columns.size(); ++i) {
      if (text.columns[i] == column) {
        return text.rows.at(row).at(i);
      }
    }
    ADD_FAILURE() << "no column " << column;
    return 0.0;
  }

  static double before(std::string_view arm) { return arm == "a" ? 0.8 : 0.4; }
  static double after(std::string_view arm) { return arm == "a" ? 0.2 : 0.6; }

  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
  std::optional<Engine> engine;
  PointId point{};
  std::uint64_t step = 0;
  std::vector<std::string> lines;
  std::vector<std::string> retrained;
  std::uint64_t retrained_at = 0;
};

}  // namespace attune::test
