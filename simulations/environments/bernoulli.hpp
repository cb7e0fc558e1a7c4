// SPDX-License-Identifier: Apache-2.0
/// @file
/// Arms that pay 1 with a fixed probability, else 0.
#pragma once

#include <memory>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/environment.hpp"
#include "simulations/environment_factory.hpp"

namespace attune::sim {

/// Options: "means" (probabilities, one an arm), "arms" (names; default arm-0, arm-1, ...).
[[nodiscard]] Result<std::unique_ptr<Environment>> make_bernoulli(const nlohmann::json& options,
                                                                  const FileRoots& roots);

}  // namespace attune::sim
