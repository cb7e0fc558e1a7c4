// SPDX-License-Identifier: Apache-2.0
/// @file
/// GaussianWeights: a normal belief about the weights of a linear model, with its whole covariance.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/core/serial.hpp>

namespace attune {

/// Weights w ~ N(m, P) that see one example after the other. With features z, gain k = P z and spread
/// tau = z'P z, learning is
///
///     m <- m + step k,    P <- keep (P - shrink k k') + (1 - keep) P_0,
///
/// where step and shrink come from the loss (residual and curvature, each divided by 1 + curvature tau), and
/// keep < 1 lets the belief return towards its prior P_0 (diagonal) as the world may have changed.
///
/// Source: the Kalman filter with random-walk weights; for other losses than the squared one its extended
/// form (Fahrmeir 1992). The covariance is kept in packed strips (core/kernels): half the memory, one result
/// on every instruction set.
///
/// Cost: O(size^2) to learn, O(size) to score; 4 size^2 bytes. Nothing but `make` allocates.
class GaussianWeights {
 public:
  GaussianWeights() = default;
  /// One weight for each entry of `prior_variance` (> 0), all with mean 0.
  explicit GaussianWeights(std::span<const double> prior_variance);

  /// Length that feature vectors must have: the number of weights rounded up to whole strips, the rest zeros.
  [[nodiscard]] std::size_t padded() const noexcept { return mean_.size(); }
  [[nodiscard]] std::size_t size() const noexcept { return prior_.size(); }
  [[nodiscard]] double mean(std::size_t i) const noexcept { return mean_[i]; }
  [[nodiscard]] double covariance(std::size_t row, std::size_t column) const noexcept;

  /// m.z
  [[nodiscard]] double score(std::span<const double> z) const noexcept;
  /// Writes P z to `gain` (padded() numbers) and gives z'P z, never below 0.
  [[nodiscard]] double spread(std::span<const double> z, std::span<double> gain) const noexcept;
  /// The step above. A covariance that rounding has spoilt (a variance that is not above 0) starts again from
  /// the prior.
  void learn(std::span<const double> gain, double step, double shrink, double keep) noexcept;
  /// P <- P / part: what was learned counts for less. No variance passes its prior: where nothing new is
  /// seen, nothing winds up.
  void forget(double part) noexcept;

  void save(Writer& writer) const;
  /// The reader fails where the numbers are not a belief of this size.
  void load(Reader& reader);
  [[nodiscard]] bool operator==(const GaussianWeights& other) const {
    return prior_ == other.prior_ && mean_ == other.mean_ && covariance_ == other.covariance_;
  }

 private:
  void reset_covariance() noexcept;

  std::vector<double> prior_;       // variances, size()
  std::vector<double> mean_;        // padded()
  std::vector<double> covariance_;  // packed
  std::vector<double> scaled_;      // what a step needs beside the gain; no part of the state
};

}  // namespace attune
