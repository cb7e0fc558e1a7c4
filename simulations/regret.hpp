// SPDX-License-Identifier: Apache-2.0
/// @file
/// Regret of bandits without context on coins, as fast as the policies themselves: no engine, no records.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

namespace attune::sim {

/// Policies whose regret on the standard instances is known from a program that shares nothing with this one.
inline constexpr std::array<std::string_view, 7> kReferencePolicies{
    "UCB1", "UCB-tuned", "MOSS(T)", "KL-UCB", "KL-UCB++(T)", "Thompson", "IMED"};

/// Arms that pay 1 with the probabilities `means` and else 0, played `horizon` times.
struct RegretInstance {
  std::string name;
  std::vector<double> means;
  std::uint64_t horizon = 0;
  std::uint64_t runs = 0;
  /// Mean regret of kReferencePolicies over as many runs; empty where there is none.
  std::vector<double> reference;
};

/// The instances of the literature that policies are compared on, with what is known of them.
[[nodiscard]] const std::vector<RegretInstance>& standard_instances();

/// Sum of gap / kl(mean, best mean) over the arms that are not best: the factor of ln T that no consistent
/// policy stays below in the long run (Lai, Robbins 1985).
[[nodiscard]] double lai_robbins_constant(std::span<const double> means);

struct RegretOptions {
  std::uint64_t runs = 1;
  std::uint64_t seed = 1;
  std::size_t jobs = 0;        ///< threads; 0: as many as the machine has; never changes a result
  bool known_horizon = false;  ///< policies with an option `horizon` are given the instance's
};

/// Regret sum over steps of (best mean - mean of the chosen arm), averaged over runs.
struct Regret {
  double mean = 0.0;
  double error = 0.0;          ///< standard error of `mean`; 0 for one run
  double early = 0.0;          ///< mean at a tenth of the horizon
  std::vector<double> steps;   ///< where the curve is taken: some 60, evenly spaced by their logarithm
  std::vector<double> curve;   ///< mean regret there
  std::vector<double> errors;  ///< and its standard error
};

/// One run: writes the regret so far after each step of `steps` to `out`. False: the policy refused
/// something.
using Play =
    std::function<bool(std::uint64_t run, std::span<const std::uint64_t> steps, std::span<double> out)>;

/// Mean and error over runs, the same whatever the number of threads. Empty where a run was refused.
[[nodiscard]] std::optional<Regret> average_runs(std::uint64_t horizon, const RegretOptions& options,
                                                 const Play& play);

/// Errors: invalid_config: `policy` is no bandit without context, or refuses rewards of 0 and 1.
[[nodiscard]] Result<Regret> measure_regret(const nlohmann::json& policy, const RegretInstance& instance,
                                            const RegretOptions& options);

}  // namespace attune::sim
