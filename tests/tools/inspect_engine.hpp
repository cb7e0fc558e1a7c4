// SPDX-License-Identifier: Apache-2.0
/// @file
/// Small stores that the real engine writes, for the tests of attune-inspect.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/clock.hpp>
#include <attune/engine/engine.hpp>
#include <attune/store/journal.hpp>

namespace attune::test {

inline constexpr const char* kInspectConfig = R"({"seed":7,"node":"test",
  "checkpoint":{"every_s":0,"every_records":60,"keep":9},
  "points":{
    "model":{"policy":{"type":"epsilon_greedy","epsilon":0.25},"arms":["small","large","huge"],
             "reward":{"components":{"quality":{"weight":1},"cost":{"weight":-0.5,"required":false,"default":0}},
                       "join_window_s":600}},
    "colour":{"policy":{"type":"thompson_beta"},"arms":["red","blue"],"reward":{"join_window_s":600}}}})";

/// An engine over a store, with a clock of its own that starts at 2026-01-31T12:00:00Z.
class StoreMaker {
 public:
  explicit StoreMaker(const std::string& path, const std::string& config = kInspectConfig)
      : clock_(std::make_shared<ManualClock>(1'769'860'800 * kSecond)) {
    Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(path, OpenMode::read_write);
    EXPECT_TRUE(journal) << (journal ? "" : journal.error().message);
    Result<Engine> engine = Engine::open(
        config, {.clock = clock_, .journal = std::move(*journal), .credit_functions = {}, .log = {}});
    EXPECT_TRUE(engine) << (engine ? "" : engine.error().message);
    engine_ = std::make_unique<Engine>(std::move(*engine));
  }

  /// One second: a decision at each point, and what comes back for it half a second later. Every seventh gets
  /// nothing.
  void step() {
    const int i = steps_++;
    clock_->advance(kSecond / 2);
    const std::string episode = "session-" + std::to_string(i / 10);
    const std::string subject = "user-" + std::to_string(i % 5);
    Decision model;
    EXPECT_EQ(engine_->decide(point("model"), {}, {.episode = episode, .subject = subject}, model), Errc::ok);
    EXPECT_TRUE(engine_->pump());
    Decision colour;
    EXPECT_EQ(engine_->decide(point("colour"), {}, {}, colour), Errc::ok);
    EXPECT_TRUE(engine_->pump());
    ids_.push_back(model.id);
    ids_.push_back(colour.id);
    clock_->advance(kSecond / 2);
    if (i % 7 == 6) {
      return;
    }
    const double quality = 0.25 * static_cast<double>(to_index(model.arm_index)) + (i % 2 == 0 ? 0.25 : 0.0);
    const std::array<Component, 2> parts{Component{.name = "quality", .value = quality},
                                         Component{.name = "cost", .value = 0.5}};
    EXPECT_EQ(engine_->outcome(model.id, parts), Errc::ok);
    EXPECT_TRUE(engine_->pump());
    EXPECT_EQ(engine_->outcome(colour.id, colour.arm.view() == "red" ? 1.0 : 0.0), Errc::ok);
    EXPECT_TRUE(engine_->pump());
  }
  void steps(int count) {
    for (int i = 0; i < count; ++i) {
      step();
    }
  }
  [[nodiscard]] PointId point(std::string_view name) const { return engine_->point(name).value(); }
  [[nodiscard]] Engine& engine() { return *engine_; }
  /// Of the decisions, model and colour in turns.
  [[nodiscard]] const std::vector<Uuid>& ids() const { return ids_; }

 private:
  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Engine> engine_;
  std::vector<Uuid> ids_;
  int steps_ = 0;
};

}  // namespace attune::test
