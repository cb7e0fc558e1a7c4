// SPDX-License-Identifier: Apache-2.0
/// @file
/// Bernoulli arms whose probabilities jump at given steps.
#pragma once

#include <memory>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/environment.hpp"
#include "simulations/environment_factory.hpp"

namespace attune::sim {

/// Options: "phases": [{"until": step (exclusive; the last has none), "means": [...]}, ...], "arms".
[[nodiscard]] Result<std::unique_ptr<Environment>> make_piecewise(const nlohmann::json& options,
                                                                  const FileRoots& roots);

}  // namespace attune::sim
