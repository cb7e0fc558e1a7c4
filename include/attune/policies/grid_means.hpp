// SPDX-License-Identifier: Apache-2.0
/// @file
/// GridMeans: ArmMeans that also know how the rewards of an arm spread over [0, 1].
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <attune/policies/arm_means.hpp>

namespace attune {

/// ArmMeans of rewards in [0, 1] with the weight of the rewards at each of `points` equally spaced support
/// points 0, .., 1. A reward between two of them is split so that its mean stays.
///
/// Cost: update O(1). Memory: that of ArmMeans and 8 bytes a support point of an arm.
class GridMeans : private ArmMeans {
 public:
  GridMeans(const Shape& shape, std::size_t points)
      : ArmMeans(shape, RewardDomain::unit, 0.5), points_(points), counts_(shape.arms * points, 0.0) {}

  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc reset_arm(ArmIndex arm) noexcept;
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior);
  Errc forget(ArmIndex arm, double keep) noexcept;

  using ArmMeans::arms;
  using ArmMeans::check;
  using ArmMeans::count;
  using ArmMeans::counted;
  using ArmMeans::expectation;
  using ArmMeans::mean;
  using ArmMeans::pending;
  using ArmMeans::pending_total;
  using ArmMeans::set_enabled;
  using ArmMeans::total;
  using ArmMeans::updates;
  using ArmMeans::variance;
  using ArmMeans::weight;

  /// Weight of the rewards at each support point. The arm must exist.
  [[nodiscard]] std::span<const double> counts(std::size_t arm) const noexcept {
    return std::span(counts_).subspan(arm * points_, points_);
  }

  void save(Writer& writer) const;
  /// As ArmMeans::load.
  [[nodiscard]] bool load(Reader& reader, const char*& problem);
  bool operator==(const GridMeans&) const = default;

 private:
  void add(std::size_t arm, double reward, double weight) noexcept;
  void clear(std::size_t arm) noexcept;

  std::size_t points_;
  std::vector<double> counts_;  // arms x points
};

}  // namespace attune
