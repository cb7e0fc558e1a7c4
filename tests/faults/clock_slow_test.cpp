// SPDX-License-Identifier: Apache-2.0
// F13: the clock steps back, jumps ahead, stands still, passes 2038. F14 to F16 with it: histories of
// outcomes that come early, late, twice, in conflict, out of order, for nobody. Engine and model agree, and
// so does a replay.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/engine/engine.hpp>

#include "tests/faults/fault_count.hpp"
#include "tests/faults/sim_checker.hpp"
#include "tests/support/shared_journal.hpp"

namespace attune::test::clock_slow_test {
namespace {

constexpr Nanos kHour = 3600 * kSecond;
constexpr Nanos kYear = 8766 * kHour;
constexpr Nanos k2038 = 2'147'483'647 * kSecond;

constexpr std::array<std::string_view, 3> kConfigs{
    R"({"seed":1,"node":"n","points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b"],
        "reward":{"components":{"reward":{"aggregate":"first"}},"join_window_s":30,"max_pending":20}}}})",
    R"({"seed":2,"node":"n","points":{"p":{"policy":{"type":"epsilon_greedy"},"arms":["a","b"],
        "reward":{"components":{"reward":{"aggregate":"sum"}},"join_window_s":60,"closing":"window","silence":"default",
                  "default_reward":0.5,"max_signals":3}}}})",
    R"({"seed":3,"node":"n","points":{"p":{"policy":{"type":"thompson_gaussian"},"arms":["a","b"],
        "reward":{"components":{"reward":{"aggregate":"max"}},"join_window_s":20,"late":"learn","max_closed":30}}}})"};

enum class Time : std::uint8_t { steady, back, far, frozen, late_2038, slewed };
constexpr std::array kTimes{Time::steady, Time::back, Time::far, Time::frozen, Time::late_2038, Time::slewed};

void move(ManualClock& clock, Time how, Rng& rng) {
  const Nanos little = static_cast<Nanos>(rng.below(4 * kSecond));
  switch (how) {
    case Time::back:
      return clock.advance(rng.below(10) == 0 ? -kHour : little);
    case Time::far:
      return clock.advance(rng.below(40) == 0 ? 10 * kYear : little);
    case Time::frozen:
      return clock.advance(rng.below(30) == 0 ? little : 0);
    case Time::slewed:
      return clock.advance(rng.below(2) == 0 ? -little / 2 : little);
    case Time::steady:
    case Time::late_2038:
      return clock.advance(little);
  }
}

std::string run(std::uint64_t seed) {
  Rng rng(seed, name_stream("clock histories"));
  const std::string_view config = kConfigs.at(seed % kConfigs.size());
  const Time how = kTimes.at(seed / kConfigs.size() % kTimes.size());
  const auto clock =
      std::make_shared<ManualClock>(how == Time::late_2038 ? k2038 - 20 * kSecond : 1'700'000'000 * kSecond);
  const auto store = std::make_shared<SharedJournal::Store>();
  const auto open = [&] {
    return Engine::open(config, {.clock = clock,
                                 .journal = std::make_unique<SharedJournal>(store),
                                 .credit_functions = {},
                                 .log = {}});
  };
  Result<Engine> engine = open();
  std::vector<Uuid> ids;
  for (int i = 0; i < 60; ++i) {
    move(*clock, how, rng);
    if (rng.below(2) == 0 || ids.empty()) {
      Decision decision;
      if (engine->decide(PointId{0}, {}, {}, decision) != Errc::ok) {
        return "decide() gave no answer";
      }
      ids.push_back(decision.id);
    } else {
      const Uuid id =
          ids[rng.below(3) == 0 ? rng.below(ids.size())
                                : ids.size() - 1 - rng.below(std::min<std::size_t>(ids.size(), 4))];
      const std::string key = rng.below(3) == 0 ? "key " + std::to_string(rng.below(3)) : "";
      const std::array<Component, 1> said{
          Component{.name = "reward", .value = static_cast<double>(rng.below(5)) / 4.0}};
      for (std::uint64_t times = rng.below(8) == 0 ? 20 : 1; times > 0; --times) {
        if (engine->outcome(id, said, {.key = key}) != Errc::ok) {
          return "an outcome was refused";
        }
      }
    }
    if (rng.below(3) == 0 && !engine->pump()) {
      return "the pump failed";
    }
  }
  if (!engine->pump()) {
    return "the pump failed";
  }
  try {
    check_state(*engine, config, records_of(*store->journal).value(), clock);
  } catch (const Violation& violation) {
    return violation.what();
  }
  return "";
}

TEST(Histories, AgreeWithTheModelWhateverTheClockDoes) {
  FaultCount clock("F13", "histories under clocks that step back, jump, freeze, slew and pass 2038");
  FaultCount orders("F14-F16", "histories with outcomes late, early, twice, in conflict, out of order");
  for (std::uint64_t seed = 1; seed <= 2000 * fault_scale(); ++seed) {
    const std::string verdict = run(seed);
    clock.note(verdict.empty() ? "" : "seed " + std::to_string(seed) + ": " + verdict);
    verdict.empty() ? orders.pass() : orders.fail("see F13");
  }
}

// A clock that steps back an hour takes nobody's reward away, and one that comes back closes only what is
// due.
TEST(Histories, AStepBackExpiresNothing) {
  FaultCount count("F13", "rewards within their window under a step back");
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Rng rng(seed);
    const auto clock = std::make_shared<ManualClock>();
    Result<Engine> engine =
        Engine::open(kConfigs[0], {.clock = clock, .journal = {}, .credit_functions = {}, .log = {}});
    ASSERT_TRUE(engine);
    Decision decision;
    ASSERT_EQ(engine->decide(PointId{0}, {}, {}, decision), Errc::ok);
    ASSERT_TRUE(engine->pump());
    clock->advance(-static_cast<Nanos>(rng.below(24)) * kHour);
    ASSERT_TRUE(engine->pump());
    clock->advance(static_cast<Nanos>(rng.below(29)) * kSecond);
    ASSERT_EQ(engine->outcome(decision.id, 1.0), Errc::ok);
    ASSERT_TRUE(engine->pump());
    count.note(engine->metrics().points[0].rewards.learned == 1
                   ? ""
                   : "seed " + std::to_string(seed) + ": not learned");
  }
}

}  // namespace
}  // namespace attune::test::clock_slow_test
