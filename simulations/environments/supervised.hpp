// SPDX-License-Identifier: Apache-2.0
/// @file
/// A labelled CSV file turned into a bandit: the arms are the labels, the right one pays 1.
#pragma once

#include <memory>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/environment.hpp"
#include "simulations/environment_factory.hpp"

namespace attune::sim {

/// Options: "file", "label" (column), "features" (see FeatureChoice; by default every other column: numeric
/// where all of its cells are numbers, else categorical), "order" ("shuffle" or "file").
[[nodiscard]] Result<std::unique_ptr<Environment>> make_supervised(const nlohmann::json& options,
                                                                   const FileRoots& roots);

}  // namespace attune::sim
