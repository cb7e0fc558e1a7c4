// SPDX-License-Identifier: Apache-2.0
/// @file
/// Pareto fronts of points with several components, and how much they dominate.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <attune/core/error.hpp>

namespace attune {

/// Points in row-major order, `dimension` numbers each; larger is better in every component. A cost is given
/// as its negative.
struct PointSet {
  std::span<const double> numbers{};
  std::size_t dimension = 0;

  [[nodiscard]] std::size_t size() const noexcept { return dimension == 0 ? 0 : numbers.size() / dimension; }
  [[nodiscard]] std::span<const double> operator[](std::size_t point) const noexcept {
    return numbers.subspan(point * dimension, dimension);
  }
};

/// At least as good in every component, and better in one. False where a number is NaN.
[[nodiscard]] bool dominates(std::span<const double> one, std::span<const double> other) noexcept;

/// The points that no other dominates, in ascending order; equal ones are all in it. Cost: O(n log n) for one
/// and two components, by a sweep; O(n^2 d) for more. Errors: invalid_argument (dimension 0, or numbers that
/// are no whole points), non_finite.
[[nodiscard]] Result<std::vector<std::size_t>> pareto_front(const PointSet& points);

/// Volume of what at least one point dominates and that itself dominates `reference`: how good a front is, in
/// one number (Zitzler, Thiele 1998, "Multiobjective Optimization Using Evolutionary Algorithms", PPSN).
/// Points that are not better than the reference in every component add nothing. Exact. Cost: O(n log n) for
/// one and two components, O(n^2 log n) for three, by slices along the last one. Errors: as pareto_front;
/// unsupported for more than three components; dimension_mismatch (reference).
[[nodiscard]] Result<double> hypervolume(const PointSet& points, std::span<const double> reference);

}  // namespace attune
