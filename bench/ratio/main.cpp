// SPDX-License-Identifier: Apache-2.0
// Policies against plain loops in the same run, and the engine around them. Prints Markdown (or --json).
#include <array>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/sampling.hpp>
#include <attune/engine/engine.hpp>
#include <attune/policies/epsilon_greedy.hpp>
#include <attune/policies/lin_ucb.hpp>
#include <attune/policies/squarecb.hpp>
#include <attune/policies/thompson_beta.hpp>
#include <attune/policies/ucb1.hpp>

#include "bench/ratio/floor.hpp"
#include "bench/ratio/measure.hpp"

namespace attune::bench {
namespace {

constexpr std::size_t kRows = 4096;
constexpr int kRounds = 5;
constexpr std::size_t kWarmUp = 5000;

double block_seconds = 0.1;
std::string only;  // cases of this name; empty: all, and the engine

struct Case {
  std::string_view name;
  FloorKind kind;
  std::size_t arms;
  std::size_t features;
};

constexpr std::array<Case, 10> kCases{{{"UCB1", FloorKind::ucb1, 10, 0},
                                       {"Thompson Beta", FloorKind::thompson_beta, 10, 0},
                                       {"epsilon-greedy", FloorKind::epsilon_greedy, 10, 0},
                                       {"UCB1", FloorKind::ucb1, 1000, 0},
                                       {"Thompson Beta", FloorKind::thompson_beta, 1000, 0},
                                       {"epsilon-greedy", FloorKind::epsilon_greedy, 1000, 0},
                                       {"LinUCB", FloorKind::lin_ucb, 10, 20},
                                       {"LinUCB", FloorKind::lin_ucb, 100, 100},
                                       {"SquareCB", FloorKind::squarecb, 10, 20},
                                       {"SquareCB", FloorKind::squarecb, 100, 100}}};

struct Rates {
  double decisions = 0.0;
  double steps = 0.0;
  void best(const Rates& other) {
    decisions = std::max(decisions, other.decisions);
    steps = std::max(steps, other.steps);
  }
};

/// One policy over the same rows as the floor; draws as the engine gives them, one generator a decision.
template <class Policy>
class Loop {
 public:
  Loop(Policy policy, const std::vector<double>& rows, std::size_t features)
      : policy_(std::move(policy)), rows_(rows), features_(features) {}

  void decisions(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      sink_ += static_cast<double>(to_index(decide().arm));
    }
  }
  void steps(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const Choice choice = decide();
      static_cast<void>(policy_.update(
          {.arm = choice.arm, .reward = rewards_.draw(to_index(choice.arm)), .input = input_}));
    }
  }
  Percentiles decide_latency() {
    return latencies([&] { sink_ += static_cast<double>(to_index(decide().arm)); }, 20'000);
  }
  [[nodiscard]] double sink() const noexcept { return sink_; }

 private:
  Choice decide() {
    if (features_ > 0) {
      row_ = (row_ + features_) % rows_.size();
      input_.dense = std::span(rows_).subspan(row_, features_);
    }
    Rng rng(1, 2, ++number_);
    return policy_.select({.input = input_}, rng);
  }

  Policy policy_;
  const std::vector<double>& rows_;
  std::size_t features_;
  std::size_t row_ = 0;
  std::uint64_t number_ = 0;
  Input input_;
  double sink_ = 0.0;
  Rewards rewards_;
};

struct Measured {
  Rates floor_exact;
  Rates floor_fast;
  Rates attune;
  Percentiles latency;
  [[nodiscard]] Rates floor() const {
    Rates best = floor_exact;
    best.best(floor_fast);
    return best;
  }
};

template <class Run>
Rates rates_of(Run& run) {
  return {rate([&](std::size_t n) { run.decisions(n); }, block_seconds),
          rate([&](std::size_t n) { run.steps(n); }, block_seconds)};
}

template <class Policy>
Measured measure(const Case& which, Policy policy) {
  Rng rng(7);
  std::vector<double> rows(which.features * kRows);
  std::vector<float> floats(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = sample_normal(rng);
    floats[i] = static_cast<float>(rows[i]);
  }
  const auto exact = make_floor_exact(which.kind, which.arms, which.features, floats);
  const auto fast = make_floor_fast(which.kind, which.arms, which.features, floats);
  Loop<Policy> loop(std::move(policy), rows, which.features);
  const std::size_t warm = which.features > 50 ? kWarmUp / 2 : kWarmUp;
  exact->steps(warm);
  fast->steps(warm);
  loop.steps(warm);
  Measured result;
  for (int round = 0; round < kRounds; ++round) {  // interleaved, so that a busy moment hits all three
    result.floor_exact.best(rates_of(*exact));
    result.floor_fast.best(rates_of(*fast));
    result.attune.best(rates_of(loop));
  }
  result.latency = loop.decide_latency();
  return result;
}

Measured measure(const Case& which) {
  const Shape shape{.arms = which.arms, .features = which.features};
  switch (which.kind) {
    case FloorKind::ucb1:
      return measure(which, Ucb1::make({}, shape).value());
    case FloorKind::thompson_beta:
      return measure(which, ThompsonBeta::make({}, shape).value());
    case FloorKind::epsilon_greedy:
      return measure(which, EpsilonGreedy::make({}, shape).value());
    case FloorKind::squarecb:
      return measure(which, SquareCb::make({.oracle = OracleKind::gradient}, shape).value());
    case FloorKind::lin_ucb:
      break;
  }
  return measure(which, LinUcb::make({}, shape).value());
}

struct EngineFigures {
  double pairs = 0.0;
  Percentiles decide;
  Percentiles outcome;
  Percentiles clock;
};

EngineFigures measure_engine() {
  Engine engine =
      Engine::open(
          R"({"seed":1,"node":"bench","points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b","c","d","e","f","g","h","i","j"]}}})")
          .value();
  const PointId point = engine.point("p").value();
  Decision decision;
  Rewards rewards;
  const auto pair = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      static_cast<void>(engine.decide(point, {}, {}, decision));
      static_cast<void>(engine.outcome(decision.id, rewards.draw(to_index(decision.arm_index))));
      static_cast<void>(engine.pump());
    }
  };
  EngineFigures figures;
  pair(200'000);
  for (int round = 0; round < kRounds; ++round) {
    figures.pairs = std::max(figures.pairs, rate(pair, block_seconds));
  }
  constexpr std::size_t kCalls = 100'000;
  figures.clock = latencies([] {}, kCalls);
  figures.decide = latencies([&] { static_cast<void>(engine.decide(point, {}, {}, decision)); }, kCalls / 10);
  static_cast<void>(engine.pump());
  for (std::size_t i = 0; i < 2; ++i) {  // the second time with everything warm
    figures.outcome = latencies(
        [&] {
          static_cast<void>(engine.outcome(decision.id, 0.5));
          static_cast<void>(engine.pump());
        },
        kCalls / 10);
  }
  return figures;
}

std::string rate_text(double value) {
  std::array<char, 32> text{};
  static_cast<void>(value >= 1e6 ? std::snprintf(text.data(), text.size(), "%.2f M", value / 1e6)
                                 : std::snprintf(text.data(), text.size(), "%.1f k", value / 1e3));
  return text.data();
}

void print_markdown() {
  std::printf(
      "| policy | arms x features | floor steps/s | attune steps/s | ratio | ratio, select only | select p50 "
      "/ p99 / p99.9 ns |\n");
  std::printf("| --- | --- | --- | --- | --- | --- | --- |\n");
  for (const Case& which : kCases) {
    if (!only.empty() && which.name != only) {
      continue;
    }
    const Measured m = measure(which);
    std::printf("| %s | %zu x %zu | %s | %s | %.2f | %.2f | %.0f / %.0f / %.0f |\n", which.name.data(),
                which.arms, which.features, rate_text(m.floor().steps).c_str(),
                rate_text(m.attune.steps).c_str(), m.attune.steps / m.floor().steps,
                m.attune.decisions / m.floor().decisions, m.latency.p50, m.latency.p99, m.latency.p999);
    std::fflush(stdout);
  }
  if (!only.empty()) {
    return;
  }
  const EngineFigures e = measure_engine();
  std::printf("\n| engine in memory, one thread, UCB1, 10 arms | |\n| --- | --- |\n");
  std::printf("| decide + outcome + pump, pairs/s | %s |\n", rate_text(e.pairs).c_str());
  std::printf("| decide p50 / p99 / p99.9 ns | %.0f / %.0f / %.0f |\n", e.decide.p50, e.decide.p99,
              e.decide.p999);
  std::printf("| outcome + pump p50 / p99 / p99.9 ns | %.0f / %.0f / %.0f |\n", e.outcome.p50, e.outcome.p99,
              e.outcome.p999);
  std::printf("| of which the clock p50 / p99 / p99.9 ns | %.0f / %.0f / %.0f |\n", e.clock.p50, e.clock.p99,
              e.clock.p999);
}

void print_json() {
  std::printf("{\"cases\":[");
  bool first = true;
  for (const Case& which : kCases) {
    const Measured m = measure(which);
    std::printf(
        "%s{\"policy\":\"%s\",\"arms\":%zu,\"features\":%zu,\"floor_steps\":%.0f,\"floor_exact_steps\":%.0f,"
        "\"floor_fast_math_steps\":%.0f,\"steps\":%.0f,\"ratio\":%.3f,\"select_ratio\":%.3f,\"p50_ns\":%.0f,"
        "\"p99_ns\":%.0f,\"p999_ns\":%.0f}",
        first ? "" : ",", which.name.data(), which.arms, which.features, m.floor().steps, m.floor_exact.steps,
        m.floor_fast.steps, m.attune.steps, m.attune.steps / m.floor().steps,
        m.attune.decisions / m.floor().decisions, m.latency.p50, m.latency.p99, m.latency.p999);
    first = false;
  }
  const EngineFigures e = measure_engine();
  std::printf(
      "],\"engine\":{\"pairs\":%.0f,\"decide_p50_ns\":%.0f,\"decide_p99_ns\":%.0f,\"decide_p999_ns\":%.0f,"
      "\"clock_p50_ns\":%.0f}}\n",
      e.pairs, e.decide.p50, e.decide.p99, e.decide.p999, e.clock.p50);
}

}  // namespace
}  // namespace attune::bench

int main(int argc, char** argv) {
  bool json = false;
  for (const std::string_view argument : std::vector<std::string_view>(argv + 1, argv + argc)) {
    if (argument == "--json") {
      json = true;
    } else if (argument == "--quick") {
      attune::bench::block_seconds = 0.02;
    } else if (argument.starts_with("--only=")) {
      attune::bench::only = argument.substr(7);
    } else {
      std::fprintf(
          stderr,
          "usage: bench_ratio [--json] [--quick] [--only=POLICY]\n"
          "Policies against plain loops (rates in CPU time, best of interleaved rounds) and the engine.\n");
      return argument == "--help" ? 0 : 2;
    }
  }
  if (json) {
    attune::bench::print_json();
  } else {
    attune::bench::print_markdown();
  }
  return 0;
}
