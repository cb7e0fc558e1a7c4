// SPDX-License-Identifier: Apache-2.0
/// @file
/// Arms whose mean is linear in the context.
#pragma once

#include <memory>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/environment.hpp"
#include "simulations/environment_factory.hpp"

namespace attune::sim {

/// Expected reward of arm a in context x: offset + scale * <x, theta_a>; x and each theta_a are uniform on
/// the unit sphere, theta_a drawn once a seed. The reward adds normal noise, or is 1 with that probability,
/// clipped to [0, 1]. Options: "arms" (number), "features" (number), "offset" (0.5), "scale" (0.5),
/// "deviation" (0.1), "rewards" ("gaussian" or "bernoulli").
[[nodiscard]] Result<std::unique_ptr<Environment>> make_linear(const nlohmann::json& options,
                                                               const FileRoots& roots);

}  // namespace attune::sim
