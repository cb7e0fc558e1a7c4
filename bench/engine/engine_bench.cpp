// SPDX-License-Identifier: Apache-2.0
// decide and outcome through the engine: in memory, one thread and several.
#include <memory>
#include <string>

#include <benchmark/benchmark.h>
#include <attune/engine/engine.hpp>

namespace attune::bench {
namespace {

std::string config(const std::string& mode, const std::string& policy, std::size_t arms,
                   std::size_t features) {
  std::string text = R"({"seed":1,"node":"bench","mode":")" + mode +
                     R"(","queue":{"bytes":16777216},"points":{"p":{"policy":{"type":")" + policy +
                     R"("},"context":{"dimension":)" + std::to_string(features) + R"(},"arms":[)";
  for (std::size_t arm = 0; arm < arms; ++arm) {
    text += (arm == 0 ? "\"a" : ",\"a") + std::to_string(arm) + '"';
  }
  return text + "]}}}";
}

void decide_and_outcome(benchmark::State& state, const std::string& policy, std::size_t arms,
                        std::size_t features) {
  Engine engine = Engine::open(config("pump", policy, arms, features)).value();
  const PointId point = engine.point("p").value();
  const std::vector<double> x(features, 0.1);
  Decision decision;
  for (auto _ : state) {
    static_cast<void>(engine.decide(point, {.dense = x}, {}, decision));
    static_cast<void>(engine.outcome(decision.id, 0.5));
    static_cast<void>(engine.pump());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(decide_and_outcome, ucb1_10, "ucb1", 10, 0);
BENCHMARK_CAPTURE(decide_and_outcome, thompson_beta_10, "thompson_beta", 10, 0);
BENCHMARK_CAPTURE(decide_and_outcome, lin_ucb_10x20, "lin_ucb", 10, 20);

void decide_threads(benchmark::State& state) {
  static std::unique_ptr<Engine> engine;
  if (state.thread_index() == 0) {
    engine = std::make_unique<Engine>(Engine::open(config("threads", "ucb1", 10, 0)).value());
  }
  Decision decision;
  for (auto _ : state) {
    static_cast<void>(engine->decide(static_cast<PointId>(0), {}, {}, decision));
    static_cast<void>(engine->outcome(decision.id, 0.5));
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) {
    engine.reset();
  }
}
BENCHMARK(decide_threads)->Threads(1)->Threads(2)->UseRealTime();

}  // namespace
}  // namespace attune::bench
