// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim_plan.hpp"

#include <numeric>

namespace attune::test {
namespace {

constexpr std::uint64_t kPlanStream = name_stream("simulation plan");

struct PointText {
  const char* name;
  const char* last_arm;
  const char* text;
};

// Windows of seconds to minutes: many end within a run.
constexpr std::array<PointText, 5> kPoints{{
    {"ucb", "c", R"("ucb":{"policy":{"type":"ucb1"},"arms":["a","b","c"],"fallback":"a",
      "reward":{"components":{"quality":{"weight":1},"cost":{"weight":-0.5,"normalise":"running"}},
                "join_window_s":50,"silence":"default","default_reward":0.1}})"},
    {"beta", "y", R"("beta":{"policy":{"type":"thompson_beta"},"arms":["x","y"],
      "reward":{"components":{"reward":{"aggregate":"first"}},"join_window_s":20,"clip":[0,1]}})"},
    {"lin", "d", R"("lin":{"policy":{"type":"lin_ucb"},"arms":["a","b","c","d"],"context":{"dimension":3},
      "reward":{"join_window_s":30,"silence":"censor","late":"learn"}})"},
    {"walk", "r",
     R"("walk":{"policy":{"type":"q_learning","states":3},"arms":["l","r"],"context":{"dimension":1},
      "reward":{"join_window_s":40,"max_pending":12}})"},
    {"sum", "q", R"("sum":{"policy":{"type":"epsilon_greedy"},"arms":["p","q"],
      "reward":{"components":{"reward":{"aggregate":"sum"}},"closing":"window","join_window_s":8,
                "silence":"default","credit":"discounted"}})"},
}};

std::uint32_t sometimes(Rng& rng, std::uint32_t weight) { return rng.below(3) == 0 ? 0 : weight; }

template <std::size_t N>
double one_of(Rng& rng, const std::array<double, N>& values) {
  return values.at(rng.below(N));
}

}  // namespace

SimPlan SimPlan::draw(std::uint64_t seed) {
  Rng rng(seed, kPlanStream);
  SimPlan plan;
  plan.steps = 40 + rng.below(rng.below(4) == 0 ? 300 : 120);
  plan.keyed = one_of(rng, std::array{0.0, 0.2, 0.8});
  plan.keep_keys = static_cast<std::uint64_t>(one_of(rng, std::array{3.0, 20.0, 100'000.0}));
  plan.durable = rng.below(4) == 0;
  const std::uint64_t every = rng.below(4) == 0 ? 0 : 10 + rng.below(120);
  const double seconds = one_of(rng, std::array{0.0, 0.0, 5.0, 60.0});
  plan.config = R"({"seed":)" + std::to_string(rng() >> 1U) +
                R"(,"node":"sim","queue":{"bytes":65536,"on_full":"shed"},)" + R"("checkpoint":{"every_s":)" +
                std::to_string(static_cast<int>(seconds)) + R"(,"every_records":)" + std::to_string(every) +
                R"(,"keep":)" + std::to_string(1 + rng.below(4)) + R"(},"client_keys":{"keep":)" +
                std::to_string(plan.keep_keys) + R"(},"points":{)";
  const std::size_t first = rng.below(kPoints.size());
  const std::size_t count = 1 + rng.below(3);
  for (std::size_t i = 0; i < count; ++i) {
    const PointText& point = kPoints.at((first + i) % kPoints.size());
    plan.config += (i > 0 ? "," : "") + std::string(point.text);
    plan.points.emplace_back(point.name);
    plan.last_arms.emplace_back(point.last_arm);
  }
  plan.config += "}}";

  const auto weigh = [&](Step step, std::uint32_t weight) {
    plan.weights.at(static_cast<std::size_t>(step)) = weight;
  };
  weigh(Step::decide, 40);
  weigh(Step::retry, plan.keyed > 0.0 ? 12 : 0);
  weigh(Step::outcome, 20 + static_cast<std::uint32_t>(rng.below(20)));
  weigh(Step::again, sometimes(rng, 6));
  weigh(Step::unknown, sometimes(rng, 3));
  weigh(Step::arm, sometimes(rng, 4));
  weigh(Step::end_episode, 2);
  weigh(Step::time, 10);
  weigh(Step::jump, sometimes(rng, 1));
  weigh(Step::pump, 5 + static_cast<std::uint32_t>(rng.below(30)));
  weigh(Step::checkpoint, sometimes(rng, 2));
  weigh(Step::faults, sometimes(rng, 4));
  weigh(Step::arm_end, sometimes(rng, 4));
  weigh(Step::end, sometimes(rng, 1));
  weigh(Step::reopen, sometimes(rng, 1));
  weigh(Step::damage, rng.below(4) == 0 ? 2 : 0);

  const std::array rates{0.0, 0.0, 0.005, 0.05, 0.3};
  plan.faults.read = one_of(rng, std::array{0.0, 0.0, 0.0, 0.01, 0.1});
  plan.faults.write = one_of(rng, rates);
  plan.faults.full = one_of(rng, rates);
  plan.faults.flush = one_of(rng, rates);
  plan.faults.name = one_of(rng, rates);
  plan.faults.forget = rng.below(2) == 0;
  plan.faults.sticky = rng.below(4) == 0;
  plan.faults.flush_time = rng.below(8) == 0 ? 5 * kSecond : 0;
  plan.power = one_of(rng, std::array{0.0, 0.5, 1.0});
  plan.lies = rng.below(10) == 0;
  if (plan.lies) {
    plan.faults = {.lie = 0.3};
    plan.power = 1.0;
    weigh(Step::faults, 6);
    weigh(Step::end, 3);
  }
  plan.log_pages = static_cast<std::uint32_t>(one_of(rng, std::array{0.0, 2.0, 8.0, 40.0, 1000.0}));
  plan.longest_pause = one_of(rng, std::array{0.1, 2.0, 20.0, 200.0}) > 1.0 ? 20 * kSecond : kSecond;
  return plan;
}

Step SimPlan::draw_step(Rng& rng) const {
  std::uint64_t at = rng.below(std::accumulate(weights.begin(), weights.end(), std::uint64_t{0}));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (at < weights.at(i)) {
      return static_cast<Step>(i);
    }
    at -= weights.at(i);
  }
  return Step::pump;
}

}  // namespace attune::test
