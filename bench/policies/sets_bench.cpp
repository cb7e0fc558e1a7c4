// SPDX-License-Identifier: Apache-2.0
// A choice and an update of every shipped bandit whose action is more than one arm of a list, or whose reward
// is more than one number.
#include <array>
#include <string>

#include <benchmark/benchmark.h>
#include <attune/engine/registry.hpp>
#include <attune/policies/budgeted_lin_ucb.hpp>
#include <attune/policies/pareto_ucb1.hpp>
#include <nlohmann/json.hpp>

namespace attune::bench {
namespace {

constexpr std::array<double, 8> kSeen{0.5, -0.2, 0.1, 0.9, -1.0, 0.3, 0.0, 0.7};

/// Four of `arms` items, rewarded each where the policy takes that, else as a whole.
void slate_step(benchmark::State& state, const std::string& name, std::size_t arms) {
  const std::size_t features = name == "top_k_lin_ucb" ? kSeen.size() : 0;
  AnySlateBandit bandit =
      make_slate_bandit({{"type", name}}, {.arms = arms, .features = features}, "bench").value();
  const Input input{.dense = std::span(kSeen).first(features)};
  const SlateSignal signal = bandit.takes(SlateSignal::items) ? SlateSignal::items : SlateSignal::whole;
  std::uint64_t step = 0;
  for (auto _ : state) {
    Rng rng(1, 2, step++);
    std::array<ArmIndex, 4> shown{};
    (void)bandit.select_slate({.input = input}, rng, {.arms = shown});
    std::array<double, 4> rewards{};
    for (std::size_t i = 0; i < shown.size(); ++i) {
      rewards.at(i) = rng.uniform() < 0.5 / static_cast<double>(1 + to_index(shown.at(i))) ? 1.0 : 0.0;
    }
    benchmark::DoNotOptimize(bandit.update(
        {.shown = shown, .signal = signal, .rewards = rewards, .reward = rewards.front(), .input = input}));
  }
}

void duel_step(benchmark::State& state, const std::string& name, std::size_t arms) {
  AnyDuelingBandit bandit = make_dueling_bandit({{"type", name}}, {.arms = arms}, "bench").value();
  std::uint64_t step = 0;
  for (auto _ : state) {
    Rng rng(1, 2, step++);
    PairChoice pair = bandit.select_pair({}, rng);
    if (pair.first == pair.second) {
      pair.second = to_arm((to_index(pair.first) + 1) % arms);
    }
    const bool first = rng.uniform() < (pair.first < pair.second ? 0.6 : 0.4);
    benchmark::DoNotOptimize(bandit.update(
        {.winner = first ? pair.first : pair.second, .loser = first ? pair.second : pair.first}));
  }
}

void action_step(benchmark::State& state, const std::string& name) {
  const std::size_t features = name == "spline_square_cb" ? kSeen.size() : 0;
  AnyContinuousBandit bandit =
      make_continuous_bandit({{"type", name}}, {.features = features}, "bench").value();
  const Input input{.dense = std::span(kSeen).first(features)};
  std::uint64_t step = 0;
  for (auto _ : state) {
    Rng rng(1, 2, step++);
    std::array<double, 1> action{};
    (void)bandit.select_action({.input = input}, rng, action);
    const double reward = rng.uniform() - (action[0] - 0.3) * (action[0] - 0.3);
    benchmark::DoNotOptimize(bandit.update({.action = action, .reward = reward, .input = input}));
  }
}

/// Rewards that cost something, under a spend rate that the dearer half of the arms would pass.
void spend_step(benchmark::State& state, std::size_t arms) {
  BudgetedLinUcb bandit =
      BudgetedLinUcb::make({.spend = {.rate = 0.3}}, {.arms = arms, .features = kSeen.size()}).value();
  const Input input{.dense = kSeen};
  std::uint64_t step = 0;
  for (auto _ : state) {
    Rng rng(1, 2, step++);
    const Choice choice = bandit.select({.input = input}, rng);
    const double cost = static_cast<double>(to_index(choice.arm)) / static_cast<double>(arms);
    benchmark::DoNotOptimize(
        bandit.update({.arm = choice.arm, .reward = 0.5 * cost + rng.uniform(), .input = input}, cost));
  }
}

void front_step(benchmark::State& state, std::size_t arms) {
  ParetoUcb1 bandit = ParetoUcb1::make({}, {.arms = arms}).value();
  std::uint64_t step = 0;
  for (auto _ : state) {
    Rng rng(1, 2, step++);
    const Choice choice = bandit.select({}, rng);
    const double share = static_cast<double>(to_index(choice.arm)) / static_cast<double>(arms);
    const std::array<double, 2> reward{rng.uniform() < share ? 1.0 : 0.0, rng.uniform() < share ? 0.0 : 1.0};
    benchmark::DoNotOptimize(bandit.update(choice.arm, reward));
  }
}

const int kSetsRegistered = [] {
  constexpr std::size_t kFew = 16;
  benchmark::RegisterBenchmark("budgeted_lin_ucb/16",
                               [](benchmark::State& state) { spend_step(state, kFew); });
  benchmark::RegisterBenchmark("pareto_ucb1/16", [](benchmark::State& state) { front_step(state, kFew); });
  for (const AlgorithmInfo& algorithm : algorithms()) {
    const std::string& name = algorithm.name;
    if (algorithm.family == Family::slate) {
      benchmark::RegisterBenchmark(("slate/" + name + "/16").c_str(),
                                   [name](benchmark::State& state) { slate_step(state, name, 16); });
    } else if (algorithm.family == Family::dueling) {
      benchmark::RegisterBenchmark(("duel/" + name + "/16").c_str(),
                                   [name](benchmark::State& state) { duel_step(state, name, 16); });
    } else if (algorithm.family == Family::continuous) {
      benchmark::RegisterBenchmark(("continuous/" + name).c_str(),
                                   [name](benchmark::State& state) { action_step(state, name); });
    }
  }
  return 0;
}();

}  // namespace
}  // namespace attune::bench
