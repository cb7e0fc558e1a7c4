// SPDX-License-Identifier: Apache-2.0
/// @file
/// What a point's configuration has to have in common with its policy, known only once that is made.
#pragma once

#include <attune/core/error.hpp>
#include <attune/engine/registry.hpp>

#include "engine/config.hpp"
#include "engine/policy_ops.hpp"

namespace attune {

/// Refuses options that the policy's family has no use for, and settles those that follow from it. Errors:
/// invalid_config, naming path and rule.
[[nodiscard]] Result<void> settle_point(PointConfig& config, const AnyPolicy& policy);

/// Puts the configured arms into their table, and priors and enabled flags into the policy. Errors:
/// invalid_config.
[[nodiscard]] Result<void> settle_arms(const PointConfig& config, PointState& state);

}  // namespace attune
