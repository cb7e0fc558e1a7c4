// SPDX-License-Identifier: Apache-2.0
/// @file
/// Names of arms where the scenario gives none.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "simulations/json_reader.hpp"

namespace attune::sim {

/// Reads "arms" as `count` names; without it they are "arm-0", "arm-1", ... A wrong number is the reader's
/// error.
[[nodiscard]] std::vector<std::string> read_arm_names(JsonReader& reader, std::size_t count);

}  // namespace attune::sim
