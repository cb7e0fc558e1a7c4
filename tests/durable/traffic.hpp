// SPDX-License-Identifier: Apache-2.0
/// @file
/// Traffic at points of every family, with all that has state: delays, chains, running statistics,
/// exploration.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/engine/engine.hpp>

#include "tests/support/shared_journal.hpp"

namespace attune::test {

inline const std::string kPoints = R"("points":{
  "ucb":{"policy":{"type":"ucb1"},"arms":["a","b","c"],
         "reward":{"components":{"quality":{"weight":1},"cost":{"weight":-0.5,"normalise":"running"}},
                   "join_window_s":50,"silence":"default","default_reward":0.1}},
  "lin":{"policy":{"type":"lin_ucb"},"arms":["a","b","c","d"],"context":{"dimension":3},
         "reward":{"join_window_s":30,"silence":"censor"}},
  "walk":{"policy":{"type":"q_learning","states":3},"arms":["l","r"],"context":{"dimension":1},
          "reward":{"join_window_s":40}},
  "tune":{"policy":{"type":"gp_optimizer","parameters":[{"name":"x","low":-1,"high":2}],"initial_design":8},
          "reward":{"join_window_s":1000}}})";

inline std::string config(std::string_view mode, std::uint64_t every_records = 1'000'000) {
  return R"({"seed":7,"node":"test","mode":")" + std::string(mode) +
         R"(","checkpoint":{"every_s":0,"every_records":)" + std::to_string(every_records) +
         R"(,"keep":3},)" + kPoints + "}";
}

inline Engine open(const std::string& text, const std::shared_ptr<SharedJournal::Store>& store,
                   const std::shared_ptr<const Clock>& clock) {
  Result<Engine> engine = Engine::open(
      text,
      {.clock = clock, .journal = std::make_unique<SharedJournal>(store), .credit_functions = {}, .log = {}});
  EXPECT_TRUE(engine) << (engine ? "" : engine.error().message);
  return std::move(engine).value();
}

/// One round of traffic at every point; outcomes of earlier rounds come late, twice, or never.
class Traffic {
 public:
  explicit Traffic(std::uint64_t seed) : rng_(seed) {}

  void round(Engine& engine, bool optimizer = true) {
    ++rounds_;
    decide(engine, "ucb", {});
    const std::array<double, 3> x{rng_.uniform(), rng_.uniform(), 1.0};
    decide(engine, "lin", x);
    const std::array<double, 1> state{static_cast<double>(rounds_ % 3)};
    decide(engine, "walk", state, "e" + std::to_string(rounds_ / 5));
    if (optimizer && rounds_ % 10 == 0) {
      decide(engine, "tune", {});
    }
    while (open_.size() > 8) {
      answer(engine, rng_.below(open_.size()));
    }
  }

 private:
  struct Asked {
    Uuid id;
    std::string point;
  };

  void decide(Engine& engine, const std::string& point, Features context, const std::string& episode = {}) {
    Decision decision;
    const Errc verdict =
        engine.decide(engine.point(point).value(), {.dense = context}, {.episode = episode}, decision);
    ASSERT_EQ(verdict, Errc::ok) << Engine::last_error();
    open_.push_back({decision.id, point});
  }

  void answer(Engine& engine, std::size_t which) {
    const Asked asked = open_[which];
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(which));
    if (rng_.below(8) == 0) {
      return;  // silence
    }
    const double value = rng_.uniform();
    const bool terminal = rng_.below(5) == 0;
    for (std::uint64_t times = rng_.below(6) == 0 ? 2 : 1; times > 0; --times) {
      if (asked.point == "ucb") {
        const std::array<Component, 2> parts{Component{.name = "quality", .value = value},
                                             Component{.name = "cost", .value = 3.0 * value}};
        ASSERT_EQ(engine.outcome(asked.id, parts), Errc::ok);
      } else {
        const std::array<Component, 1> parts{Component{.name = "reward", .value = value}};
        ASSERT_EQ(engine.outcome(asked.id, parts, {.terminal = terminal && asked.point == "walk"}), Errc::ok);
      }
    }
  }

  Rng rng_;
  std::uint64_t rounds_ = 0;
  std::vector<Asked> open_;
};

}  // namespace attune::test
