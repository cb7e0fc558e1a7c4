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

/// Weights of sparse features, the constant's behind them, and the features' scales.
struct SparseModels {
  LaneWeights* weights = nullptr;
  FeatureScale* scales = nullptr;
  std::size_t features = 0;
  const LaneConstants* constants = nullptr;
  const LaneConstants* constant = nullptr;
};

/// Entries of a lower triangle, row by row: (0,0), (1,0), (1,1), (2,0), ...
[[nodiscard]] constexpr std::size_t triangle_size(std::size_t size) noexcept { return size * (size + 1) / 2; }

/// What the corrections of an ExpertMixer believe of each coefficient, and how fast it may move.
inline constexpr LaneConstants kCorrections{.prior = {0.01, 0.03, 0.1, 0.03, 0.1, 0.1, 0.3, 0.3},
                                            .drift = {0.0, 0.0, 0.0, 1e-5, 1e-5, 1e-4, 3e-4, 3e-3}};

/// One implementation of all loops.
struct LaneKernels {
  /// Adds each model's sum of mean * z to `scores`.
  void (*add_scores)(const LaneWeights* weights, const LaneInput& input, ExpertArray& scores) noexcept;
  /// Each model's sum of mean * z and of variance * z^2, after each variance has grown by the drift of one
  /// example, over `count` features and then the constant's weights behind them, whose z is 1.
  void (*prepare)(LaneWeights* weights, std::size_t count, const double* z, const LaneConstants& constants,
                  const LaneConstants& constant, ExpertArray& scores, ExpertArray& spreads) noexcept;
  /// The same of sparse features, each first divided by its scale, which takes it in (standardised(),
  /// feature_scale.hpp) and says how many examples' drift it has missed by example `now`. Leaves z as learn()
  /// wants it.
  void (*prepare_sparse)(const SparseModels& models, const SparseFeatures& x, std::uint32_t now, double* z,
                         ExpertArray& scores, ExpertArray& spreads) noexcept;
  /// mean += step variance z, variance -= shrink (variance z)^2.
  void (*learn)(LaneWeights* weights, const LaneInput& input, const ExpertArray& steps,
                const ExpertArray& shrinks) noexcept;
  /// 1 / (1 + e^-score) of each.
  void (*probabilities)(const ExpertArray& scores, ExpertArray& result) noexcept;
  /// newton_logistic_move() of each (link.hpp).
  void (*moves)(const ExpertArray& scores, const ExpertArray& probabilities, const ExpertArray& spreads,
                double target, double weight, ExpertArray& steps, ExpertArray& shrinks) noexcept;
  /// squared_move() of each (link.hpp).
  void (*squared_moves)(const ExpertArray& scores, const ExpertArray& spreads, double target, double weight,
                        ExpertArray& steps, ExpertArray& shrinks) noexcept;
  /// ExpertMixer::blend() and learn().
  void (*blend)(const MixerState& mixer, Loss loss, const ExpertArray& scores,
                ExpertMixer::Blend& result) noexcept;
  void (*reweigh)(MixerState& mixer, Loss loss, const ExpertMixer::Blend& blend, double target,
                  double weight) noexcept;
  /// Adds each model's sum of mean * z to `scores`.
  void (*add_mean_scores)(const LaneNumbers* means, std::size_t size, const double* z,
                          ExpertArray& scores) noexcept;
  /// gains = P z, spreads = z'P z and scores = mean z of each model; P a lower triangle by rows.
  void (*covariance_gains)(const LaneNumbers* covariance, const LaneNumbers* means, std::size_t size,
                           const double* z, LaneNumbers* gains, ExpertArray& scores,
                           ExpertArray& spreads) noexcept;
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
