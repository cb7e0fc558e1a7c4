// SPDX-License-Identifier: Apache-2.0
/// @file
/// A recorded decision, made again.
#pragma once

#include <cstdint>

#include <attune/core/record.hpp>
#include <attune/engine/replay.hpp>

#include "engine/point.hpp"

namespace attune {

/// `point` has the state at `state_position`. A state of another version than the record's is a difference,
/// too.
[[nodiscard]] Derivation derive_decision(const Point& point, std::uint64_t seed, std::uint64_t state_position,
                                         const DecisionRecord& record, const PropensityOptions& options = {});

}  // namespace attune
