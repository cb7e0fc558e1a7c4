// SPDX-License-Identifier: Apache-2.0
// select and update of every shipped bandit over arms x features. The list is the registry's: a new policy is
// measured by being shipped.
#include <algorithm>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <attune/core/sampling.hpp>
#include <attune/engine/registry.hpp>
#include <attune/policies/builtin_oracle.hpp>
#include <nlohmann/json.hpp>

namespace attune::bench {
namespace {

constexpr std::size_t kRows = 256;

struct World {
  AnyBandit bandit;
  std::vector<double> rows;
  std::vector<double> actions;
  Shape shape;

  [[nodiscard]] Context context(std::size_t step) const {
    const Features dense = shape.features == 0
                               ? Features{}
                               : Features(rows).subspan((step % kRows) * shape.features, shape.features);
    return {.input = {.dense = dense}, .actions = {.rows = actions, .dimension = shape.action_features}};
  }
};

template <class... Types>
bool is_one_of(const std::string& name, TypeList<Types...> /*list*/) {
  return ((name == Types::kName) || ...);
}

bool is_contextual(const std::string& name) {
  return name.starts_with("lin_") || name == "auto" || is_one_of(name, OracleBandits{});
}

World make_world(const std::string& name, std::size_t arms, std::size_t features) {
  const bool contextual = is_contextual(name);
  const Shape shape{.arms = arms,
                    .features = contextual ? features : 0,
                    .action_features = name == "lin_ucb_hybrid" ? std::size_t{4} : 0};
  AnyPolicy policy = make_policy(nlohmann::json{{"type", name}}, shape, "bench").value();
  World world{.bandit = std::get<AnyBandit>(std::move(policy)), .rows = {}, .actions = {}, .shape = shape};
  Rng rng(1);
  world.rows.resize(kRows * shape.features);
  std::ranges::generate(world.rows, [&] { return sample_normal(rng); });
  world.actions.resize(arms * shape.action_features);
  std::ranges::generate(world.actions, [&] { return sample_normal(rng); });
  return world;
}

void learn(World& world, std::size_t steps, std::uint64_t first) {
  for (std::size_t i = 0; i < steps; ++i) {
    Rng rng(1, 2, first + i);
    const Context context = world.context(i);
    const Choice choice = world.bandit.select(context, rng);
    const Features action = world.shape.action_features == 0 ? Features{} : context.actions.row(choice.arm);
    benchmark::DoNotOptimize(world.bandit.update(
        {.arm = choice.arm, .reward = rng.uniform(), .input = context.input, .action = action}));
  }
}

void select(benchmark::State& state, const std::string& name) {
  World world =
      make_world(name, static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)));
  learn(world, 2000, 0);
  std::uint64_t number = 10'000;
  for (auto _ : state) {
    Rng rng(1, 2, ++number);
    benchmark::DoNotOptimize(world.bandit.select(world.context(number), rng));
  }
}

void select_and_update(benchmark::State& state, const std::string& name) {
  World world =
      make_world(name, static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)));
  learn(world, 2000, 0);
  std::uint64_t number = 10'000;
  for (auto _ : state) {
    learn(world, 1, ++number);
  }
}

const bool kRegistered = [] {
  for (const AlgorithmInfo& algorithm : algorithms()) {
    if (algorithm.family != Family::bandit) {
      continue;
    }
    const std::string& name = algorithm.name;
    const bool contextual = is_contextual(name);
    for (const auto& [run, suffix] :
         {std::pair{&select, "select"}, std::pair{&select_and_update, "select_and_update"}}) {
      auto* bench = benchmark::RegisterBenchmark(
          (name + "/" + suffix).c_str(), [run = run, name](benchmark::State& state) { run(state, name); });
      bench->ArgNames({"arms", "features"});
      bench->Args({10, contextual ? 20 : 0});
      bench->Args({contextual ? 100 : 1000, contextual ? 100 : 0});
    }
  }
  return true;
}();

}  // namespace
}  // namespace attune::bench
