// SPDX-License-Identifier: Apache-2.0
/// @file
/// Parameters in the user's units and in the unit box that the model works in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <attune/core/rng.hpp>
#include <attune/policies/gp_optimizer.hpp>

namespace attune::detail {

/// Checks the rules of a parameter list that bounds alone do not express. Errors: invalid_config.
[[nodiscard]] Result<void> check_parameters(std::span<const ParameterSpec> parameters);

/// Position in [0, 1] of a value of the parameter.
[[nodiscard]] double to_unit(const ParameterSpec& parameter, double value) noexcept;

/// The value at a position, inside the bounds; rounded to a whole number for integers.
[[nodiscard]] double from_unit(const ParameterSpec& parameter, double unit) noexcept;

/// The value of a uniform variate: as from_unit, but with equal shares for all integers, also the outermost.
[[nodiscard]] double from_uniform(const ParameterSpec& parameter, double uniform) noexcept;

/// `count` points (row-major, `dimension` columns) of Sobol's sequence under a random digital shift: each
/// point is uniform on the unit box, all together fill it evenly.
[[nodiscard]] std::vector<double> shifted_sobol(std::size_t count, std::size_t dimension, Rng& rng);

}  // namespace attune::detail
