// SPDX-License-Identifier: Apache-2.0
/// @file
/// Bernoulli arms whose probabilities move slowly, like tides.
#pragma once

#include <memory>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/environment.hpp"
#include "simulations/environment_factory.hpp"

namespace attune::sim {

/// Probability of arm a of K at step t: mean_a + amplitude * sin(2 pi (t / period + a / K)), clipped to [0,
/// 1]. Options: "means", "amplitude", "period" (steps), "arms".
[[nodiscard]] Result<std::unique_ptr<Environment>> make_gradual(const nlohmann::json& options,
                                                                const FileRoots& roots);

}  // namespace attune::sim
