// SPDX-License-Identifier: Apache-2.0
#include <attune/core/ridge_bank.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <attune/core/config.hpp>
#include <attune/core/vocabulary.hpp>

#include "core/kernels.hpp"
#include "core/ridge_limits.hpp"

namespace attune {
namespace {

using detail::finite_probe;
using detail::kernels;
using detail::kLanes;
using detail::packed_at;
using detail::packed_size;
using detail::refresh_limit;
using detail::StripVector;

template <class Vector>
void grow(Vector& vector, std::size_t extra) {
  const std::size_t needed = vector.size() + extra;
  if (needed > vector.capacity()) {
    vector.reserve(std::max(needed, 2 * vector.capacity()));
  }
}

// base^exponent by plain multiplication: the C library's pow() differs in the last bit between processors.
double whole_power(double base, std::size_t exponent) noexcept {
  double power = 1.0;
  for (std::size_t i = 0; i < exponent; ++i) {
    power *= base;
  }
  return power;
}

}  // namespace

Result<RidgeBank> RidgeBank::make(std::size_t models, std::size_t dimension, double ridge,
                                  double forgetting) {
  if (dimension > kMaxDimension) {
    return fail(Errc::invalid_config, "a linear model of " + std::to_string(dimension) +
                                          " features is too large: at most " + std::to_string(kMaxDimension));
  }
  if (!(ridge > 0.0) || !std::isfinite(ridge)) {
    return fail(Errc::invalid_config, "ridge = " + number_text(ridge) + " must be positive");
  }
  if (!(forgetting > 0.0 && forgetting <= 1.0) || whole_power(forgetting, dimension) < kLeastMemory) {
    return fail(Errc::invalid_config,
                "forgetting = " + number_text(forgetting) + " is too small for " + std::to_string(dimension) +
                    " features: forgetting to that power must be in [" + number_text(kLeastMemory) + ", 1]");
  }
  const std::size_t stride = std::max<std::size_t>(1, packed_size(detail::strip_count(dimension)));
  if (models > kMaxNumbers / stride) {
    return fail(Errc::invalid_config, std::to_string(models) + " arms of " + std::to_string(dimension) +
                                          " features need more than " + std::to_string(kMaxNumbers) +
                                          " numbers a matrix");
  }
  return RidgeBank(models, dimension, ridge, forgetting);
}

RidgeBank::RidgeBank(std::size_t models, std::size_t dimension, double ridge, double forgetting)
    : dimension_(dimension),
      ridge_(ridge),
      forgetting_(forgetting),
      ridge_memory_(whole_power(forgetting, dimension)),
      strips_(detail::strip_count(dimension)),
      stride_(packed_size(strips_)),
      length_(strips_ * kLanes),
      precision_(models * stride_),
      covariance_(models * stride_),
      response_(models * length_),
      coefficients_(models * length_),
      drift_(models),
      learned_(models),
      point_(length_),
      direction_(length_),
      left_(length_),
      right_(length_) {
  for (std::size_t model = 0; model < models; ++model) {
    reset(model);
  }
  start_coarse();
}

void RidgeBank::start_coarse() {
  if (count() * stride_ * sizeof(double) >= kCoarseBytes) {
    coarse_.resize(count() * stride_ / 2);
    coarse_error_.resize(count());
    for (std::size_t model = 0; model < count(); ++model) {
      coarsen(model);
    }
  }
}

// Brings the coarse copy of one model up to date.
void RidgeBank::coarsen(std::size_t model) noexcept {
  if (coarse_.empty()) {
    return;
  }
  double largest = 0.0;
  double lost = 0.0;
  kernels().packed_coarsen(covariance_.data() + (model * stride_), strips_,
                           coarse_.data() + (model * stride_ / 2), &largest, &lost);
  const bool told = largest <= detail::kLargestCoarse;
  coarse_error_[model] = {told ? largest : std::numeric_limits<double>::infinity(), std::sqrt(lost)};
}

void RidgeBank::reset(std::size_t model) noexcept {
  double* precision = precision_.data() + (model * stride_);
  double* covariance = covariance_.data() + (model * stride_);
  std::fill_n(precision, stride_, 0.0);
  std::fill_n(covariance, stride_, 0.0);
  for (std::size_t i = 0; i < dimension_; ++i) {
    precision[packed_at(i, i)] = ridge_;
    covariance[packed_at(i, i)] = 1.0 / ridge_;
  }
  std::fill_n(response_.data() + (model * length_), length_, 0.0);
  std::fill_n(coefficients_.data() + (model * length_), length_, 0.0);
  drift_[model] = 0.0;
  learned_[model] = 0;
  coarsen(model);
}

void RidgeBank::forget(std::size_t model, double keep) noexcept {
  double* precision = precision_.data() + (model * stride_);
  for (std::size_t i = 0; i < stride_; ++i) {
    precision[i] *= keep;
  }
  for (std::size_t i = 0; i < dimension_; ++i) {
    precision[packed_at(i, i)] += (1.0 - keep) * ridge_;
  }
  double* response = response_.data() + (model * length_);
  for (std::size_t i = 0; i < length_; ++i) {
    response[i] *= keep;
  }
  refresh(model);
}

Result<void> RidgeBank::add() {
  if (count() + 1 > kMaxNumbers / std::max<std::size_t>(1, stride_)) {
    return fail(Errc::full,
                "a linear policy holds at most " + std::to_string(kMaxNumbers) + " numbers a matrix");
  }
  // All memory first: the resizes below cannot throw half-way.
  grow(precision_, stride_);
  grow(covariance_, stride_);
  grow(response_, length_);
  grow(coefficients_, length_);
  grow(drift_, 1);
  grow(learned_, 1);
  const bool keeps = (count() + 1) * stride_ * sizeof(double) >= kCoarseBytes;
  if (keeps) {
    grow(coarse_, ((count() + 1) * stride_ / 2) - coarse_.size());
    grow(coarse_error_, count() + 1 - coarse_error_.size());
  }
  precision_.resize(precision_.size() + stride_);
  covariance_.resize(covariance_.size() + stride_);
  response_.resize(response_.size() + length_);
  coefficients_.resize(coefficients_.size() + length_);
  drift_.push_back(0.0);
  learned_.push_back(0);
  if (keeps && !coarse_.empty()) {
    coarse_.resize(count() * stride_ / 2);
    coarse_error_.resize(count());
  }
  reset(count() - 1);
  if (keeps && coarse_.empty()) {
    start_coarse();
  }
  return {};
}

void RidgeBank::scores(const StripVector& x, std::span<const std::uint32_t> which, double* mean,
                       double* variance) const noexcept {
  kernels().packed_scores(covariance_.data(), coefficients_.data(), x, which.data(), which.size(), mean,
                          variance);
  for (std::size_t i = 0; i < which.size(); ++i) {
    variance[i] = std::max(variance[i], 0.0);
  }
}

// Why `error` is enough: let Q be the copy. |x'(P - Q) x| is at most the Frobenius norm of P - Q times x'x.
// With S = sum |x_i| |Q_ij| |x_j| <= (sum |x_i|)^2 max |Q_ij|, and |Q_ij| <= (1 + 2^-8) max |P_ij|, rounding
// x to floats and at most length + 32 operations on the way of each product to the result err by at most
// (length + 32) units of 2^-24 of S to first order; the factors 1.01 and 1.0001 cover higher orders, the
// exact computation's own rounding (2^-53 in each of the length^2 steps), S and the norm themselves. What
// falls below the smallest floats is less than 1e-36, and below the smallest doubles than 1e-290.
void RidgeBank::coarse_scores(const StripVector& x, const detail::CoarseVector& coarse,
                              std::span<const std::uint32_t> which, double* mean, double* variance,
                              double* error) const noexcept {
  kernels().packed_means(coefficients_.data(), x, which.data(), which.size(), mean);
  kernels().packed_coarse_forms(coarse_.data(), coarse.values.data(), strips_, which.data(), which.size(),
                                variance);
  const double square = coarse.largest * coarse.largest;
  const double unit = 1.01 * 0x1.0p-24 * static_cast<double>(length_ + 32) * coarse.sum * coarse.sum;
  const double rounded = 1.0001 * coarse.squares;
  for (std::size_t i = 0; i < which.size(); ++i) {
    variance[i] *= square;
    const CoarseError& own = coarse_error_[which[i]];
    error[i] = (square * ((unit * own.largest) + (rounded * own.rounding) + 1e-36)) + 1e-290;
  }
}

Errc RidgeBank::prepare(std::size_t model, const StripVector& x, double target, double weight,
                        Step& step) noexcept {
  for (std::size_t strip = 0; strip < strips_; ++strip) {
    std::copy_n(x.strip(strip), kLanes, point_.data() + (strip * kLanes));
  }
  kernels().packed_multiply(covariance_.data() + (model * stride_), x, direction_.data());
  const double* theta = coefficients_.data() + (model * length_);
  const double* response = response_.data() + (model * length_);
  const double* precision = precision_.data() + (model * stride_);
  const double variance = std::max(kernels().dot(direction_.data(), point_.data(), length_), 0.0);
  const double residual = target - kernels().dot(theta, point_.data(), length_);
  step = {model, weight, forgetting_, target, residual, variance};

  // What learning would store. The diagonal of A bounds its other entries; P only shrinks along x.
  const double gain = weight / (forgetting_ + (weight * variance));
  double probe = finite_probe(variance * weight) + finite_probe(residual) + finite_probe(gain);
  for (std::size_t i = 0; i < dimension_; ++i) {
    probe += finite_probe(precision[packed_at(i, i)] + (weight * point_[i] * point_[i]));
    probe += finite_probe(response[i] + (weight * target * point_[i]));
    probe += finite_probe(theta[i] + (direction_[i] * (gain * residual)));
  }
  return probe == 0.0 ? Errc::ok : Errc::non_finite;
}

void RidgeBank::commit(const Step& step) noexcept {
  if (step.weight == 0.0) {
    return;
  }
  const double gain = step.weight / (step.memory + (step.weight * step.variance));
  const detail::Kernels& kernel = kernels();
  double* response = response_.data() + (step.model * length_);
  if (step.memory != 1.0) {
    for (std::size_t i = 0; i < length_; ++i) {
      response[i] *= step.memory;
    }
  }
  kernel.axpy(response, step.weight * step.target, point_.data(), length_);
  kernel.axpy(coefficients_.data() + (step.model * length_), gain * step.residual, direction_.data(),
              length_);
  rank_one(step.model, step.memory, step.weight, gain);
  if (step.memory != 1.0 && dimension_ > 0) {
    const auto coordinate = static_cast<std::size_t>(learned_[step.model] % dimension_);
    drift_[step.model] += add_unit(step.model, coordinate, 0.0, ridge_ * (1.0 - ridge_memory_));
  }
  ++learned_[step.model];
  drift_[step.model] += 1.0 + (step.weight * step.variance);
  if (drift_[step.model] > refresh_limit(dimension_)) {
    refresh(step.model);  // ends with coarsen()
  } else {
    coarsen(step.model);
  }
}

// A <- memory A + weight x x',  P <- (P - gain P x x'P) / memory. The same vector on both sides of each
// product keeps the stored mirror images equal to the last bit.
void RidgeBank::rank_one(std::size_t model, double memory, double weight, double gain) noexcept {
  const double root = std::sqrt(weight);
  for (std::size_t i = 0; i < length_; ++i) {
    left_[i] = root * point_[i];
  }
  kernels().packed_rank_one(precision_.data() + (model * stride_), strips_, memory, left_.data(),
                            left_.data());
  const double shrink = std::sqrt(gain / memory);
  for (std::size_t i = 0; i < length_; ++i) {
    left_[i] = shrink * direction_[i];
    right_[i] = -left_[i];
  }
  kernels().packed_rank_one(covariance_.data() + (model * stride_), strips_, 1.0 / memory, left_.data(),
                            right_.data());
}

// Learns `target` at the unit vector of a coordinate, forgetting nothing. Returns what it adds to the drift.
double RidgeBank::add_unit(std::size_t model, std::size_t coordinate, double target, double weight) noexcept {
  const double* covariance = covariance_.data() + (model * stride_);
  double* theta = coefficients_.data() + (model * length_);
  for (std::size_t i = 0; i < dimension_; ++i) {
    point_[i] = i == coordinate ? 1.0 : 0.0;
    direction_[i] = covariance[packed_at(i, coordinate)];
  }
  const double variance = std::max(direction_[coordinate], 0.0);
  const double gain = weight / (1.0 + (weight * variance));
  response_[(model * length_) + coordinate] += weight * target;
  kernels().axpy(theta, gain * (target - theta[coordinate]), direction_.data(), length_);
  rank_one(model, 1.0, weight, gain);
  return weight * variance;
}

Errc RidgeBank::learn(std::size_t model, const StripVector& x, double target, double weight) noexcept {
  Step step;
  const Errc verdict = prepare(model, x, target, weight, step);
  if (verdict == Errc::ok) {
    commit(step);
  }
  return verdict;
}

Errc RidgeBank::learn_units(std::size_t model, std::size_t first, double target, double weight) noexcept {
  constexpr double kLargest = 1e150;
  if (!(std::abs(target) <= kLargest) || !(weight <= kLargest) || !(std::abs(target * weight) <= kLargest)) {
    return Errc::non_finite;
  }
  for (std::size_t coordinate = first; coordinate < dimension_; ++coordinate) {
    add_unit(model, coordinate, target, weight);
  }
  refresh(model);
  return Errc::ok;
}

std::span<const double> RidgeBank::prepared_direction() const noexcept { return direction_; }

void RidgeBank::refresh(std::size_t model) noexcept {
  double* covariance = covariance_.data() + (model * stride_);
  const double* precision = precision_.data() + (model * stride_);
  std::copy_n(precision, stride_, covariance);
  invert(covariance, precision);
  coarsen(model);
  drift_[model] = 0.0;

  // theta = P b, then one step of iterative refinement with A itself; what overflows on the way is not taken.
  double* theta = coefficients_.data() + (model * length_);
  const double* response = response_.data() + (model * length_);
  const auto vector = [this](const double* values) { return StripVector({values, length_}, false, 0.0); };
  kernels().packed_multiply(covariance, vector(response), direction_.data());
  if (!all_finite(direction_)) {
    return;
  }
  std::copy_n(direction_.data(), length_, theta);
  kernels().packed_multiply(precision, vector(theta), left_.data());
  for (std::size_t i = 0; i < length_; ++i) {
    left_[i] = response[i] - left_[i];
  }
  kernels().packed_multiply(covariance, vector(left_.data()), right_.data());
  kernels().axpy(direction_.data(), 1.0, right_.data(), length_);
  if (all_finite(direction_)) {
    std::copy_n(direction_.data(), length_, theta);
  }
}

// Sweeps every pivot of a packed matrix, in place: afterwards it holds its inverse. Sweeping pivot k with
// column c and p = c_k subtracts c c'/p everywhere, then sets row and column k to c/p and the pivot to -1/p;
// having done all, the matrix is minus the inverse.
void RidgeBank::invert(double* matrix, const double* original) noexcept {
  const double least = ridge_ * ridge_memory_;
  const double relative = 4.0 * static_cast<double>(dimension_) * std::numeric_limits<double>::epsilon();
  std::ranges::fill(point_, 0.0);
  std::ranges::fill(left_, 0.0);
  std::ranges::fill(right_, 0.0);
  for (std::size_t pivot = 0; pivot < dimension_; ++pivot) {
    for (std::size_t i = 0; i < dimension_; ++i) {
      point_[i] = matrix[packed_at(i, pivot)];
    }
    // A pivot is never below the smallest eigenvalue; one that is has lost its digits. The relative bound
    // keeps every quotient within the matrix's own scale.
    const double floor = std::max(least, relative * original[packed_at(pivot, pivot)]);
    const double value = std::max(point_[pivot], floor);
    const double root = std::sqrt(value);
    for (std::size_t i = 0; i < dimension_; ++i) {
      left_[i] = point_[i] / root;
      right_[i] = -left_[i];
    }
    kernels().packed_rank_one(matrix, strips_, 1.0, left_.data(), right_.data());
    for (std::size_t i = 0; i < dimension_; ++i) {
      const double swept = point_[i] / value;
      matrix[packed_at(i, pivot)] = swept;
      if (i / kLanes == pivot / kLanes) {  // diagonal blocks hold both images
        matrix[packed_size(pivot / kLanes) + (i * kLanes) + (pivot % kLanes)] = swept;
      }
    }
    matrix[packed_at(pivot, pivot)] = -1.0 / value;
  }
  double probe = 0.0;
  for (std::size_t i = 0; i < stride_; ++i) {
    matrix[i] = -matrix[i];
    probe += finite_probe(matrix[i]);
  }
  if (probe != 0.0) {
    // Only a damaged state that passed its checks gets here: go on without its correlations.
    std::fill_n(matrix, stride_, 0.0);
    for (std::size_t i = 0; i < dimension_; ++i) {
      matrix[packed_at(i, i)] = 1.0 / std::max(original[packed_at(i, i)], least);
    }
  }
}

std::span<const double> RidgeBank::coefficients(std::size_t model) const noexcept {
  return std::span<const double>(coefficients_).subspan(model * length_, dimension_);
}
double RidgeBank::precision(std::size_t model, std::size_t row, std::size_t column) const noexcept {
  return precision_[(model * stride_) + packed_at(row, column)];
}
double RidgeBank::covariance(std::size_t model, std::size_t row, std::size_t column) const noexcept {
  return covariance_[(model * stride_) + packed_at(row, column)];
}

}  // namespace attune
