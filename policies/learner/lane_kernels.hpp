// SPDX-License-Identifier: Apache-2.0
/// @file
/// Eight linear models with weights of their own, learned side by side: one result, bit for bit, on every
/// instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <attune/policies/auto_linear.hpp>

namespace attune::detail {

/// Features of one example: feature index[k] has the value z[k]; without `index` feature k.
struct LaneInput {
  const std::uint32_t* index = nullptr;
  const double* z = nullptr;
  std::size_t count = 0;
};

/// Entries of a lower triangle, row by row: (0,0), (1,0), (1,1), (2,0), ...
[[nodiscard]] constexpr std::size_t triangle_size(std::size_t size) noexcept { return size * (size + 1) / 2; }

/// One implementation of all loops.
struct LaneKernels {
  /// Adds each model's sum of mean * z to `scores`.
  void (*add_scores)(const LaneWeights* weights, const LaneInput& input, ExpertArray& scores) noexcept;
  /// As above, after each variance has grown by the drift of `elapsed[k]` examples (null: one); adds the sums
  /// of variance * z^2 to `spreads`.
  void (*prepare)(LaneWeights* weights, const LaneInput& input, const double* elapsed,
                  const LaneConstants& constants, ExpertArray& scores, ExpertArray& spreads) noexcept;
  /// mean += step variance z, variance -= shrink (variance z)^2.
  void (*learn)(LaneWeights* weights, const LaneInput& input, const ExpertArray& steps,
                const ExpertArray& shrinks) noexcept;
  /// 1 / (1 + e^-score) of each.
  void (*probabilities)(const ExpertArray& scores, ExpertArray& result) noexcept;
  /// logistic_move() of each (link.hpp).
  void (*moves)(const ExpertArray& scores, const ExpertArray& probabilities, const ExpertArray& spreads,
                double target, double weight, ExpertArray& steps, ExpertArray& shrinks) noexcept;
  /// Adds each model's sum of mean * z to `scores`.
  void (*add_mean_scores)(const LaneNumbers* means, std::size_t size, const double* z,
                          ExpertArray& scores) noexcept;
  /// gains = P z and spreads = z'P z of each model; P a lower triangle by rows.
  void (*covariance_gains)(const LaneNumbers* covariance, std::size_t size, const double* z,
                           LaneNumbers* gains, ExpertArray& spreads) noexcept;
  /// mean <- pull (mean + step gain), P <- keep (P - shrink gain gain') + (1 - keep) prior. `least` is not
  /// above 0 where a variance left (0, 2 prior).
  void (*learn_covariance)(LaneNumbers* covariance, LaneNumbers* means, std::size_t size,
                           const LaneNumbers* gains, const ExpertArray& steps, const ExpertArray& shrinks,
                           const CovarianceConstants& constants, ExpertArray& least) noexcept;
};

/// The kernels for this machine.
[[nodiscard]] const LaneKernels& lane_kernels() noexcept;
/// Every implementation that this machine can run, portable one first: for tests.
[[nodiscard]] std::span<const LaneKernels* const> all_lane_kernels() noexcept;

/// Sets the covariance of one model, or of all (`lane` 8), to its prior.
void reset_covariance(LaneNumbers* covariance, std::size_t size, const CovarianceConstants& constants,
                      std::size_t lane) noexcept;
/// Whether every model's numbers can be a covariance: variances in (0, 2 prior), Cauchy-Schwarz.
[[nodiscard]] bool sound_covariance(const LaneNumbers* covariance, std::size_t size,
                                    const CovarianceConstants& constants) noexcept;

}  // namespace attune::detail
