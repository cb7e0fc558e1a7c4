// SPDX-License-Identifier: Apache-2.0
/// @file
/// Arms that pay a normal amount around a fixed mean.
#pragma once

#include <memory>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/environment.hpp"
#include "simulations/environment_factory.hpp"

namespace attune::sim {

/// Options: "means", "deviation" (one for all arms, default 1) or "deviations" (one an arm), "arms".
[[nodiscard]] Result<std::unique_ptr<Environment>> make_gaussian(const nlohmann::json& options,
                                                                 const FileRoots& roots);

}  // namespace attune::sim
