// SPDX-License-Identifier: Apache-2.0
#include "policies/bayes/gaussian_process.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include <attune/core/assert.hpp>
#include <attune/core/sampling.hpp>

#include "policies/bayes/box_search.hpp"

namespace attune::detail {
namespace {

constexpr double kLeastVariance = 1e-12;  // of the signal's
constexpr double kLengthVariance = 1.0;
constexpr double kNoiseShape = 1.1;
constexpr double kNoiseRate = 2.0;

double length_centre(std::size_t dimension) noexcept {
  return std::log(0.205 * std::sqrt(static_cast<double>(dimension)));
}

GpParameters unpack(std::span<const double> logs) {
  const std::size_t d = logs.size() - 2;
  return {std::vector<double>(logs.begin(), logs.begin() + static_cast<std::ptrdiff_t>(d)), logs[d],
          logs[d + 1]};
}

}  // namespace

Matern52 matern52(double squared_distance, double signal) noexcept {
  const double s = std::sqrt(5.0 * squared_distance);
  const double decay = signal * std::exp(-s);
  return {(1.0 + s + s * s / 3.0) * decay, -5.0 / 6.0 * (1.0 + s) * decay};
}

GaussianProcess::GaussianProcess(const GpData& data, const GpParameters& parameters)
    : data_(&data),
      inverse_length_(data.dimension),
      signal_(std::exp(parameters.log_signal)),
      noise_(std::exp(parameters.log_noise)),
      scaled_(data.points.size()) {
  const std::size_t n = data.size();
  const std::size_t d = data.dimension;
  for (std::size_t k = 0; k < d; ++k) {
    inverse_length_[k] = std::exp(-parameters.log_length[k]);
  }
  for (std::size_t i = 0; i < scaled_.size(); ++i) {
    scaled_[i] = data.points[i] * inverse_length_[i % d];
  }
  PaddedMatrix covariance(n);
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j + 1; i < n; ++i) {
      covariance.at(i, j) = matern52(squared_distance(i, j), signal_).value;
    }
  }
  bool done = false;
  for (double jitter = 0.0; !done && jitter < 1.0; jitter = std::max(1e-10, jitter * 100.0)) {
    noise_ += jitter * signal_;
    factor_ = covariance;
    for (std::size_t j = 0; j < n; ++j) {
      factor_.at(j, j) = signal_ + noise_;
    }
    done = cholesky(factor_);
  }
  ATTUNE_ASSERT(done, "a Matern covariance with its diagonal doubled is positive definite");
  weights_.assign(factor_.padded(), 0.0);
  std::ranges::copy(data.values, weights_.begin());
  solve_lower(factor_, weights_);
  solve_upper(factor_, weights_);
}

double GaussianProcess::squared_distance(std::size_t a, std::size_t b) const noexcept {
  const double* const x = scaled_.data() + a * data_->dimension;
  const double* const y = scaled_.data() + b * data_->dimension;
  double sum = 0.0;
  for (std::size_t k = 0; k < data_->dimension; ++k) {
    sum += (x[k] - y[k]) * (x[k] - y[k]);
  }
  return sum;
}

void GaussianProcess::covariances(std::span<const double> x, GpScratch& scratch) const {
  const std::size_t d = data_->dimension;
  scratch.covariance.assign(factor_.padded(), 0.0);
  scratch.slope.resize(data_->size());
  scratch.scaled.resize(d);
  for (std::size_t k = 0; k < d; ++k) {
    scratch.scaled[k] = x[k] * inverse_length_[k];
  }
  for (std::size_t i = 0; i < data_->size(); ++i) {
    double distance = 0.0;
    for (std::size_t k = 0; k < d; ++k) {
      const double difference = scratch.scaled[k] - scaled_[i * d + k];
      distance += difference * difference;
    }
    const Matern52 kernel = matern52(distance, signal_);
    scratch.covariance[i] = kernel.value;
    scratch.slope[i] = kernel.slope;
  }
}

GaussianProcess::Posterior GaussianProcess::predict(std::span<const double> x, GpScratch& scratch) const {
  covariances(x, scratch);
  const std::size_t size = factor_.padded();
  const double mean = dot(scratch.covariance.data(), weights_.data(), size);
  scratch.solved = scratch.covariance;
  solve_lower(factor_, scratch.solved);
  const double explained = dot(scratch.solved.data(), scratch.solved.data(), size);
  return {mean, std::max(signal_ - explained, kLeastVariance * signal_)};
}

GaussianProcess::Posterior GaussianProcess::predict(std::span<const double> x,
                                                    std::span<double> mean_gradient,
                                                    std::span<double> variance_gradient,
                                                    GpScratch& scratch) const {
  const Posterior posterior = predict(x, scratch);
  solve_upper(factor_, scratch.solved);  // now (K + noise I)^-1 k
  const std::size_t d = data_->dimension;
  std::ranges::fill(mean_gradient, 0.0);
  std::ranges::fill(variance_gradient, 0.0);
  for (std::size_t i = 0; i < data_->size(); ++i) {
    // dk_i/dx_j = dk/dr2 * 2 (x_j - p_ij) / length_j^2
    for (std::size_t j = 0; j < d; ++j) {
      const double slope =
          scratch.slope[i] * 2.0 * (scratch.scaled[j] - scaled_[i * d + j]) * inverse_length_[j];
      mean_gradient[j] += slope * weights_[i];
      variance_gradient[j] -= 2.0 * slope * scratch.solved[i];
    }
  }
  return posterior;
}

double GaussianProcess::log_likelihood() const noexcept {
  const std::size_t n = data_->size();
  double fit = 0.0;
  double log_determinant = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    fit += data_->values[i] * weights_[i];
    log_determinant += std::log(factor_.at(i, i));  // half of it
  }
  return -0.5 * fit - log_determinant - 0.5 * static_cast<double>(n) * std::log(2.0 * std::numbers::pi);
}

std::vector<double> GaussianProcess::log_likelihood_gradient() const {
  // d/dt log p = 1/2 sum over i, j of (a a^T - K^-1)_ij dK_ij/dt (Rasmussen, Williams, equation 5.9).
  const std::size_t n = data_->size();
  const std::size_t d = data_->dimension;
  const PaddedMatrix precision = inverse(factor_);
  std::vector<double> gradient(d + 2);
  double off_diagonal = 0.0;
  double trace = 0.0;
  for (std::size_t j = 0; j < n; ++j) {
    trace += weights_[j] * weights_[j] - precision.at(j, j);
    for (std::size_t i = j + 1; i < n; ++i) {
      const double weight = weights_[i] * weights_[j] - precision.at(i, j);
      const Matern52 kernel = matern52(squared_distance(i, j), signal_);
      off_diagonal += weight * kernel.value;
      const double by_distance = -2.0 * weight * kernel.slope;  // dr2/dlog length_k = -2 * (its part of r2)
      for (std::size_t k = 0; k < d; ++k) {
        const double difference = scaled_[i * d + k] - scaled_[j * d + k];
        gradient[k] += by_distance * difference * difference;
      }
    }
  }
  gradient[d] = off_diagonal + 0.5 * signal_ * trace;
  gradient[d + 1] = 0.5 * noise_ * trace;
  return gradient;
}

double log_prior(const GpParameters& parameters, std::span<double> gradient) noexcept {
  const std::size_t d = parameters.log_length.size();
  const double centre = length_centre(d);
  double density = 0.0;
  for (std::size_t k = 0; k < d; ++k) {
    const double away = parameters.log_length[k] - centre;
    density -= 0.5 * away * away / kLengthVariance;
    gradient[k] = -away / kLengthVariance;
  }
  const double signal = std::exp(parameters.log_signal);
  density += parameters.log_signal - signal;
  gradient[d] = 1.0 - signal;
  const double noise = std::exp(parameters.log_noise);
  density += (kNoiseShape - 1.0) * parameters.log_noise - kNoiseRate * noise;
  gradient[d + 1] = kNoiseShape - 1.0 - kNoiseRate * noise;
  return density;
}

GpParameters fit_parameters(const GpData& data, const GpFitOptions& options, Rng& rng) {
  const std::size_t d = data.dimension;
  std::vector<double> low(d, std::log(0.05));
  std::vector<double> high(d, std::log(1e2));
  low.insert(low.end(), {std::log(1e-2), std::log(options.noise_floor)});
  high.insert(high.end(), {std::log(1e2), 0.0});

  const SmoothFunction negative_density = [&data](std::span<const double> logs, std::span<double> gradient) {
    const GpParameters parameters = unpack(logs);
    const GaussianProcess process(data, parameters);
    double density = log_prior(parameters, gradient) + process.log_likelihood();
    const std::vector<double> likelihood_gradient = process.log_likelihood_gradient();
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      gradient[i] = -(gradient[i] + likelihood_gradient[i]);
    }
    return -density;
  };

  std::vector<double> best(d + 2);
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t start = 0; start < options.starts; ++start) {
    std::vector<double> from(d, length_centre(d));
    if (start > 0) {
      for (double& log_length : from) {
        log_length += sample_normal(rng);
      }
    }
    // Little noise and much noise are two peaks of the density: each start climbs the nearer one.
    from.insert(from.end(), {0.0, std::log(start % 2 == 0 ? 1e-3 : 0.3)});
    BoxSearchResult found = minimise_in_box(negative_density, from, low, high,
                                            {.max_evaluations = options.max_evaluations,
                                             .first_step = 0.5,
                                             .gradient_tolerance = 1e-3,
                                             .value_tolerance = 1e-6});
    if (found.value < least) {
      least = found.value;
      best = std::move(found.x);
    }
  }
  return unpack(best);
}

}  // namespace attune::detail
