// SPDX-License-Identifier: Apache-2.0
/// @file
/// A decision point's "reward" in JSON.
#pragma once

#include <attune/core/error.hpp>
#include <attune/rewards/reward_spec.hpp>

#include "engine/json_reader.hpp"

namespace attune {

/// What a number that only has to be finite may be.
inline constexpr Bounds kFinite{-1e300, 1e300};

/// Reads and checks a reward specification. Errors: invalid_config, naming path, value and rule.
[[nodiscard]] Result<RewardSpec> read_reward(const Json& value, const JsonPath& path);

}  // namespace attune
