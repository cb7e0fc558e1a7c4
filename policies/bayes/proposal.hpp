// SPDX-License-Identifier: Apache-2.0
/// @file
/// Where to evaluate next: the initial design, and the maximiser of log expected improvement.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <attune/core/rng.hpp>
#include <attune/policies/gp_optimizer.hpp>

#include "policies/bayes/gaussian_process.hpp"

namespace attune::detail {

/// What a proposal depends on. All points are rows in the unit box.
struct ProposalTask {
  std::span<const ParameterSpec> parameters;
  std::span<const double> taken;     ///< every known trial, finished or pending: never proposed again
  const GpData* finished = nullptr;  ///< what the model is built from
  std::span<const double> pending;   ///< those of `taken` that count with their posterior mean
  std::size_t candidates = 0;
  std::size_t local_searches = 0;
};

/// A point of the initial design: of a shifted Sobol set the one farthest from all that is taken. Distances
/// are on the torus, or the corners of the box would come first.
[[nodiscard]] std::vector<double> propose_design(const ProposalTask& task, Rng& rng);

/// The point of largest log expected improvement that is not taken; one that is taken only when all are.
[[nodiscard]] std::vector<double> propose_improvement(const ProposalTask& task, const GpParameters& kernel,
                                                      Rng& rng);

/// log EI over the best posterior mean at the data.
class LogImprovement {
 public:
  explicit LogImprovement(const GpData& data, const GpParameters& kernel);

  [[nodiscard]] double operator()(std::span<const double> x);
  [[nodiscard]] double operator()(std::span<const double> x, std::span<double> gradient);
  /// Data points by falling posterior mean.
  [[nodiscard]] std::span<const std::size_t> ranking() const noexcept { return ranking_; }

 private:
  GaussianProcess process_;
  std::vector<std::size_t> ranking_;
  double best_mean_ = 0.0;
  GpScratch scratch_;
  std::vector<double> variance_gradient_;
};

}  // namespace attune::detail
