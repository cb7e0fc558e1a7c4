// SPDX-License-Identifier: Apache-2.0
/// @file
/// Gaussian-process regression with a Matern 5/2 kernel, one length scale per coordinate, and inferred noise.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <attune/core/rng.hpp>

#include "policies/bayes/cholesky.hpp"

namespace attune::detail {

/// Kernel parameters, as the logarithms that the fit works on.
struct GpParameters {
  std::vector<double> log_length;  ///< per coordinate, in units of the box's side
  double log_signal = 0.0;         ///< of the signal's variance
  double log_noise = -6.0;         ///< of the noise's variance
};

/// Points in the unit box (row-major points x dimension) and their values, roughly of mean 0 and variance 1.
struct GpData {
  std::size_t dimension = 0;
  std::vector<double> points;
  std::vector<double> values;

  [[nodiscard]] std::size_t size() const noexcept { return values.size(); }
  [[nodiscard]] std::span<const double> point(std::size_t index) const noexcept {
    return std::span(points).subspan(index * dimension, dimension);
  }
};

/// Matern kernel of smoothness 5/2 of the scaled squared distance r2 = sum of ((a_i - b_i) / length_i)^2:
///
///     k = signal * (1 + s + s^2 / 3) * exp(-s),   s = sqrt(5 r2),   dk/dr2 = -5/6 * signal * (1 + s) *
///     exp(-s).
///
/// Source: Rasmussen, Williams (2006), "Gaussian Processes for Machine Learning", equation 4.17.
struct Matern52 {
  double value = 0.0;
  double slope = 0.0;  ///< dk/dr2
};
[[nodiscard]] Matern52 matern52(double squared_distance, double signal) noexcept;

/// Space for predictions, so that many need no allocation.
struct GpScratch {
  std::vector<double> covariance;  // k(x, data), padded
  std::vector<double> slope;       // its derivative by the squared distance
  std::vector<double> solved;
  std::vector<double> scaled;  // x by the length scales
};

/// A process conditioned on data: mean and variance of the noise-free function anywhere.
class GaussianProcess {
 public:
  /// Factors the covariance of the data. Adds a jitter to the noise, from 1e-10 of the diagonal on, where
  /// rounding makes it indefinite. `data` must outlive this.
  GaussianProcess(const GpData& data, const GpParameters& parameters);

  struct Posterior {
    double mean = 0.0;
    double variance = 0.0;  ///< never below 1e-12 of the signal's: rounding may make it negative
  };
  [[nodiscard]] Posterior predict(std::span<const double> x, GpScratch& scratch) const;
  /// Also writes the gradients, each of the dimension's length.
  [[nodiscard]] Posterior predict(std::span<const double> x, std::span<double> mean_gradient,
                                  std::span<double> variance_gradient, GpScratch& scratch) const;
  /// Mean at a data point, by K alpha = y - noise alpha.
  [[nodiscard]] double mean_at(std::size_t index) const noexcept {
    return data_->values[index] - noise_ * weights_[index];
  }

  /// log p(values | points, parameters).
  [[nodiscard]] double log_likelihood() const noexcept;
  /// Its gradient by log_length (each), log_signal, log_noise, in this order. Cost: the cube of the data's
  /// size.
  [[nodiscard]] std::vector<double> log_likelihood_gradient() const;

 private:
  void covariances(std::span<const double> x, GpScratch& scratch) const;
  [[nodiscard]] double squared_distance(std::size_t a, std::size_t b) const noexcept;

  const GpData* data_;
  std::vector<double> inverse_length_;
  double signal_;
  double noise_;
  std::vector<double> scaled_;   // the points by the length scales
  PaddedMatrix factor_;          // of K + noise I
  std::vector<double> weights_;  // (K + noise I)^-1 y, padded
};

/// Bounds and priors of the fit, on the logarithms. With d the dimension:
/// - length: normal, mean log(0.205 sqrt(d)), variance 1, at least 0.05. The mean is the mode of the prior of
/// Hvarfner,
///   Hellsten, Nardi (2024), "Vanilla Bayesian Optimization Performs Great in High Dimensions", ICML; their
///   variance of 3 lets very short scales pass noise off as signal;
/// - signal: gamma(2, rate 1); noise: gamma(1.1, rate 2), which favours little noise but does not forbid
/// much.
struct GpFitOptions {
  double noise_floor = 1e-6;
  std::size_t starts = 2;            ///< the first from the prior's centre, others around it
  std::size_t max_evaluations = 40;  ///< of the likelihood, per start
};

/// Parameters of (nearly) the largest posterior density.
[[nodiscard]] GpParameters fit_parameters(const GpData& data, const GpFitOptions& options, Rng& rng);

/// The density that is maximised, without constants, and its gradient in the order of
/// log_likelihood_gradient.
[[nodiscard]] double log_prior(const GpParameters& parameters, std::span<double> gradient) noexcept;

}  // namespace attune::detail
