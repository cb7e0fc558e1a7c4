// SPDX-License-Identifier: Apache-2.0
/// @file
/// A decision point's "safety" in JSON.
#pragma once

#include <attune/core/error.hpp>

#include "engine/config.hpp"
#include "engine/json_reader.hpp"

namespace attune {

/// Reads and checks the safety of `point`, whose arms and reward are read already. Errors: invalid_config,
/// naming path, value and rule.
[[nodiscard]] Result<SafetyConfig> read_safety(const Json& value, const JsonPath& path,
                                               const PointConfig& point);

/// Its JSON Schema.
[[nodiscard]] Json safety_schema();
[[nodiscard]] Json guard_schema();

}  // namespace attune
