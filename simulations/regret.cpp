// SPDX-License-Identifier: Apache-2.0
#include "simulations/regret.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include <attune/core/rng.hpp>
#include <attune/engine/registry.hpp>

#include "simulations/runner.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

constexpr std::uint32_t kWorld = 1;  // purposes of generators
constexpr std::uint32_t kPolicy = 2;

std::vector<double> one_and_others(double best, double other, std::size_t others) {
  std::vector<double> means(others + 1, other);
  means.front() = best;
  return means;
}

/// Steps at which curves are taken: about 60, the tenth of the horizon and the horizon among them.
std::vector<std::uint64_t> checkpoints(std::uint64_t horizon) {
  std::vector<std::uint64_t> steps{std::max<std::uint64_t>(horizon / 10, 1), horizon};
  constexpr int kPoints = 60;
  for (int i = 0; i < kPoints; ++i) {
    steps.push_back(static_cast<std::uint64_t>(
        std::llround(std::exp(std::log(static_cast<double>(horizon)) * i / kPoints))));
  }
  std::ranges::sort(steps);
  const auto repeated = std::ranges::unique(steps);
  steps.erase(repeated.begin(), repeated.end());
  return steps;
}

/// One run; the regret at each checkpoint goes to `out`. False: a reward was refused.
bool play(AnyBandit bandit, const RegretInstance& instance, double best, std::span<const std::uint64_t> steps,
          std::uint64_t seed, std::uint64_t run, std::span<double> out) {
  Rng world(seed, run, 0, kWorld);
  double regret = 0.0;
  std::size_t next = 0;
  for (std::uint64_t step = 1; step <= instance.horizon; ++step) {
    Rng rng(seed, run, step, kPolicy);
    const Choice choice = bandit.select({}, rng);
    const double mean = instance.means[to_index(choice.arm)];
    const double reward = world.uniform() < mean ? 1.0 : 0.0;
    if (bandit.update({.arm = choice.arm, .reward = reward}) != Errc::ok) {
      return false;
    }
    regret += best - mean;
    if (step == steps[next]) {
      out[next++] = regret;
    }
  }
  return true;
}

}  // namespace

const std::vector<RegretInstance>& standard_instances() {
  static const std::vector<RegretInstance> kInstances{
      {"0.9, 0.8", {0.9, 0.8}, 5'000, 4'000, {64.6, 15.8, 24.5, 12.8, 12.8, 9.27, 9.34}},
      {"0.25, 0.2", {0.25, 0.2}, 10'000, 2'000, {96.3, 26.8, 40.6, 34.6, 29.2, 23.9, 22.4}},
      {"0.1, 3x0.05, 3x0.02, 3x0.01",
       {0.1, 0.05, 0.05, 0.05, 0.02, 0.02, 0.02, 0.01, 0.01, 0.01},
       20'000,
       400,
       {843, 240, 243, 130.9, 85.1, 91.4, 80.2}},
      {"0.5, 9x0.4", one_and_others(0.5, 0.4, 9), 10'000, 400, {591, 141.8, 182, 257, 169, 164, 168}},
      {"0.5, 9x0.4", one_and_others(0.5, 0.4, 9), 100'000, 60, {1534, 211, 323, 431, 287, 247, 256}},
      {"0.1, 0.2, .., 0.9",
       {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9},
       10'000,
       400,
       {333, 55.2, 86.9, 58.0, 52.1, 41.0, 46.9}},
      {"0.5, 99x0.4", one_and_others(0.5, 0.4, 99), 20'000, 40, {1959, 1542, 1033, 1859, 985, 1618, 1556}}};
  return kInstances;
}

double lai_robbins_constant(std::span<const double> means) {
  const double best = *std::ranges::max_element(means);
  double constant = 0.0;
  for (const double mean : means) {
    if (mean < best) {
      const double hit = mean > 0.0 ? mean * std::log(mean / best) : 0.0;
      const double miss = (1.0 - mean) * std::log((1.0 - mean) / (1.0 - best));
      constant += (best - mean) / (hit + miss);
    }
  }
  return constant;
}

std::optional<Regret> average_runs(std::uint64_t horizon, const RegretOptions& options, const Play& play) {
  const std::vector<std::uint64_t> steps = checkpoints(horizon);
  std::vector<double> regrets(options.runs * steps.size());
  std::atomic<bool> refused = false;
  run_parallel(options.runs, options.jobs, [&](std::size_t run) {
    const std::span<double> out = std::span(regrets).subspan(run * steps.size(), steps.size());
    if (!play(run, steps, out)) {
      refused = true;
    }
  });
  if (refused) {
    return std::nullopt;
  }
  // Summed in the order of runs, whichever thread made them.
  Regret result;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    double mean = 0.0;
    double squares = 0.0;
    for (std::uint64_t run = 0; run < options.runs; ++run) {
      const double regret = regrets[run * steps.size() + i];
      const double apart = regret - mean;
      mean += apart / static_cast<double>(run + 1);
      squares += apart * (regret - mean);
    }
    const auto runs = static_cast<double>(options.runs);
    result.steps.push_back(static_cast<double>(steps[i]));
    result.curve.push_back(mean);
    result.errors.push_back(options.runs > 1 ? std::sqrt(squares / (runs - 1.0) / runs) : 0.0);
    result.early = steps[i] == std::max<std::uint64_t>(horizon / 10, 1) ? mean : result.early;
  }
  result.mean = result.curve.back();
  result.error = result.errors.back();
  return result;
}

Result<Regret> measure_regret(const json& policy, const RegretInstance& instance,
                              const RegretOptions& options) {
  json spec = policy;
  if (options.known_horizon && spec.is_object()) {
    for (const AlgorithmInfo& algorithm : algorithms()) {
      const bool has = std::ranges::any_of(algorithm.options,
                                           [](const OptionInfo& option) { return option.name == "horizon"; });
      if (has && spec.value("type", std::string()) == algorithm.name) {
        spec["horizon"] = instance.horizon;
      }
    }
  }
  Result<AnyPolicy> made = make_policy(spec, {.arms = instance.means.size()}, "policy");
  if (!made) {
    return tl::unexpected(std::move(made).error());
  }
  const auto* bandit = std::get_if<AnyBandit>(&*made);
  if (bandit == nullptr) {
    return fail(Errc::invalid_config, "policy: regret is measured of bandits, not of other families");
  }
  const double best = *std::ranges::max_element(instance.means);
  std::optional<Regret> regret =
      average_runs(instance.horizon, options,
                   [&](std::uint64_t run, std::span<const std::uint64_t> steps, std::span<double> out) {
                     return play(*bandit, instance, best, steps, options.seed, run, out);
                   });
  if (!regret) {
    return fail(Errc::invalid_config, "policy: it does not learn from rewards of 0 and 1 without a context");
  }
  return *std::move(regret);
}

}  // namespace attune::sim
