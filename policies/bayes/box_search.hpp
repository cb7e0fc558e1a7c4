// SPDX-License-Identifier: Apache-2.0
/// @file
/// Minimises a smooth function in a box: projected BFGS for the few dozen dimensions met here.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace attune::detail {

struct BoxSearchOptions {
  std::size_t max_evaluations = 60;
  double first_step = 0.1;           ///< length of the first trial step
  double gradient_tolerance = 1e-6;  ///< on the largest entry of the projected gradient
  double value_tolerance = 1e-9;     ///< on the decrease per iteration, relative to 1 + |value|
};

struct BoxSearchResult {
  std::vector<double> x;
  double value = 0.0;
  std::size_t evaluations = 0;
};

/// Value at `x`; writes the gradient. A value that is not finite means: outside the domain.
using SmoothFunction = std::function<double(std::span<const double> x, std::span<double> gradient)>;

/// Starts at `start`, projected into [low, high], where the value must be finite; never returns a worse
/// point.
///
/// Source: Bertsekas (1982), "Projected Newton Methods for Optimization Problems with Simple Constraints",
/// SIAM J. Control and Optimization 20(2): the step is projected, coordinates held by a bound leave the
/// quasi-Newton matrix; sufficient decrease by backtracking with quadratic interpolation; BFGS with the
/// curvature condition checked. Own code: the line search of LBFGS++ 0.1.0, the packaged one, compares a
/// function value with a step length and then throws, and results must not depend on the machine (see
/// cholesky.hpp).
[[nodiscard]] BoxSearchResult minimise_in_box(const SmoothFunction& function, std::span<const double> start,
                                              std::span<const double> low, std::span<const double> high,
                                              const BoxSearchOptions& options);

}  // namespace attune::detail
