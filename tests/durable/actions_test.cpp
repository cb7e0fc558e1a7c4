// SPDX-License-Identifier: Apache-2.0
// Points whose action is more than one arm: numbers, pairs and lists are a part of the fold like any other.
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>
#include <attune/engine/engine.hpp>
#include <attune/engine/replay.hpp>

#include "tests/durable/fold_laws.hpp"

namespace attune::actions_test {
namespace {

using test::open;
using test::Place;
using test::SharedJournal;

/// One point of each kind that has the name "p", and arms that come and go where it has arms.
struct Kind {
  std::string_view name;
  std::string_view point;
  bool has_arms = true;
};

constexpr std::array<Kind, 6> kKinds{{
    {"spline",
     R"({"policy":{"type":"spline_square_cb","high":2},"context":{"dimension":1},"reward":{"join_window_s":20}})",
     false},
    {"tree", R"({"policy":{"type":"optimistic_tree"},"reward":{"join_window_s":20,"late":"learn"}})", false},
    {"pair",
     R"({"policy":{"type":"double_thompson"},"arms":["a","b","c","d"],"reward":{"join_window_s":20}})"},
    {"items", R"({"policy":{"type":"top_k_thompson"},"arms":["a","b","c","d","e"],"size":3,"signal":"items",
        "reward":{"join_window_s":20}})"},
    {"click", R"({"policy":{"type":"top_k_ucb"},"arms":["a","b","c","d","e"],"size":3,"signal":"first_click",
        "reward":{"join_window_s":20}})"},
    {"whole",
     R"({"policy":{"type":"slate_ridge","positions":3,"epsilon":0.1},"arms":["a","b","c","d","e"],"size":2,
        "reward":{"join_window_s":20}})"},
}};

std::string config(const Kind& kind, std::string_view mode) {
  return R"({"seed":7,"node":"test","mode":")" + std::string(mode) +
         R"(","checkpoint":{"every_s":0,"every_records":120,"keep":3},"points":{"p":)" +
         std::string(kind.point) + "}}";
}

/// A decision and, mostly, what comes back for it.
void round(const Kind& kind, Engine& engine, Rng& rng, int i) {
  const PointId point = engine.point("p").value();
  const std::array<double, 1> x{rng.uniform()};
  Decision decision;
  DecideOptions options;
  const std::string key = i % 5 == 0 ? "k" + std::to_string(rng()) : std::string();
  options.client_key = key;
  const ContextView context{.dense = kind.name == "spline" ? Features(x) : Features()};
  ASSERT_EQ(engine.decide(point, context, options, decision), Errc::ok) << Engine::last_error();
  if (!key.empty()) {
    Decision again;
    ASSERT_EQ(engine.decide(point, context, options, again), Errc::ok) << Engine::last_error();
    ASSERT_EQ(again.id, decision.id);
    ASSERT_EQ(again.parameters, decision.parameters);
    ASSERT_EQ(again.arm.view(), decision.arm.view());
    ASSERT_EQ(again.shown.size(), decision.shown.size());
    for (std::size_t at = 0; at < again.shown.size(); ++at) {
      ASSERT_EQ(again.shown[at].view(), decision.shown[at].view());
    }
  }
  const auto draw = rng.below(10);
  if (draw == 0) {
    return;  // silence
  }
  Errc told = Errc::ok;
  if (!kind.has_arms) {
    told = engine.outcome(decision.id, 1.0 - std::abs(decision.parameters.at(0) - 0.3) + 0.1 * rng.uniform());
  } else if (kind.name == "pair") {
    told = engine.outcome(decision.id, std::array{0.0, 0.5, 1.0}.at(rng.below(3)));
  } else if (kind.name == "items") {
    const std::array<Component, 2> parts{Component{.name = "item_1", .value = rng.below(2) == 0 ? 0.0 : 1.0},
                                         Component{.name = "item_3", .value = 1.0}};
    told = engine.outcome(decision.id, parts);
  } else if (kind.name == "click") {
    told = engine.outcome(decision.id, static_cast<double>(rng.below(4)) - 1.0);
  } else {
    told = engine.outcome(decision.id, rng.uniform());
  }
  ASSERT_EQ(told, Errc::ok) << Engine::last_error();
}

/// Every few decisions of a store, made again, are what they were.
void expect_actions_derived(const Place& place, bool has_arms) {
  test::expect_derived(place.store, 20, test::every(13),
                       [&](const Derivation& derived) { EXPECT_EQ(derived.shown.empty(), !has_arms); });
}

class Actions : public ::testing::TestWithParam<Kind> {
 protected:
  /// Arm "c" goes and comes again, now and then.
  void change(Engine& engine, int i) const {
    if (GetParam().has_arms) {
      test::change_arms(engine, i);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, Actions, ::testing::ValuesIn(kKinds),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(Actions, AReopenedEngineEqualsOneThatWasNeverStoppedAndEveryDecisionIsDerivedAgain) {
  const Place left;
  const Place right{std::make_shared<SharedJournal::Store>(), left.clock};
  const std::string text = config(GetParam(), "pump");
  {
    Engine straight = open(text, left);
    auto stopped = std::make_unique<Engine>(open(text, right));
    Rng one(1, 0, 0, 0);
    Rng other(1, 0, 0, 0);
    for (int i = 0; i < 600; ++i) {
      ASSERT_NO_FATAL_FAILURE(round(GetParam(), straight, one, i));
      ASSERT_NO_FATAL_FAILURE(round(GetParam(), *stopped, other, i));
      ASSERT_NO_FATAL_FAILURE(change(straight, i));
      ASSERT_NO_FATAL_FAILURE(change(*stopped, i));
      if (i % 3 != 1) {  // some decisions are made before earlier records are folded
        ASSERT_TRUE(straight.pump());
        ASSERT_TRUE(stopped->pump());
      }
      if (i % 37 == 36) {
        ASSERT_TRUE(straight.pump());
        ASSERT_TRUE(stopped->pump());
        ASSERT_EQ(straight.state(), stopped->state()) << i;
        stopped.reset();
        stopped = std::make_unique<Engine>(open(text, right));
        ASSERT_EQ(straight.state(), stopped->state()) << i;
      }
      left.clock->advance(kSecond);
    }
    const PointMetrics seen = straight.metrics().points.at(0);
    EXPECT_EQ(seen.decisions, 600U);
    EXPECT_GT(seen.rewards.learned, 400U);
    EXPECT_EQ(seen.fallbacks, 0U);
    EXPECT_TRUE(std::isnan(seen.regret_estimated));
  }
  expect_actions_derived(left, GetParam().has_arms);
}

TEST_P(Actions, ThreadModeAndPumpModeMakeTheSameState) {
  const Place place;
  Bytes threaded;
  {
    Engine engine = open(config(GetParam(), "threads"), place);
    threaded = test::state_after_callers(engine, place, 200,
                                         [&](Engine& at, Rng& rng, int i) { round(GetParam(), at, rng, i); });
    EXPECT_GT(engine.metrics().points.at(0).rewards.learned, 300U);
  }
  EXPECT_EQ(open(config(GetParam(), "pump"), place).state(), threaded);
  expect_actions_derived(place, GetParam().has_arms);  // each was made with one of the two copies
}

TEST_P(Actions, ADamagedStateIsRefusedOrHarmless) {
  const Place place;
  const std::string text = config(GetParam(), "pump");
  Bytes state;
  {
    Engine engine = open(text, place);
    ASSERT_NO_FATAL_FAILURE(
        test::play(engine, 3, 40, [&](Engine& at, Rng& rng, int i) { round(GetParam(), at, rng, i); }));
    state = engine.state();
  }
  const std::size_t apart = std::max<std::size_t>(1, state.size() / 150);
  test::expect_damage_refused_or_harmless(text, place, state, 0, apart, [&](Engine& at, Rng& rng, int i) {
    // A damaged arm table may have lost an arm, a damaged table of keys a key.
    Decision decision;
    static_cast<void>(rng());
    const std::array<double, 1> x{0.5};
    const Errc verdict =
        at.decide(at.point("p").value(), {.dense = GetParam().name == "spline" ? Features(x) : Features()},
                  {}, decision);
    if (verdict == Errc::ok) {
      static_cast<void>(at.outcome(decision.id, i % 2 == 0 ? 1.0 : 0.0));
    }
  });
}

}  // namespace
}  // namespace attune::actions_test
