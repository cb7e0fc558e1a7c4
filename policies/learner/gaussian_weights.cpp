// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/gaussian_weights.hpp>

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"

namespace attune {

using detail::kernels;
using detail::kLanes;
using detail::packed_at;
using detail::packed_size;
using detail::strip_count;
using detail::StripVector;

namespace {

// Entries of a row that are stored: those of whole blocks up to the diagonal.
std::size_t stored_columns(std::size_t row, std::size_t size) noexcept {
  return std::min(size, kLanes * ((row / kLanes) + 1));
}

constexpr double kLargestBelief = 1e120;

}  // namespace

GaussianWeights::GaussianWeights(std::span<const double> prior_variance)
    : prior_(prior_variance.begin(), prior_variance.end()),
      mean_(detail::padded_size(prior_variance.size()), 0.0),
      covariance_(packed_size(strip_count(prior_variance.size())), 0.0),
      scaled_(detail::padded_size(prior_variance.size()), 0.0) {
  reset_covariance();
}

void GaussianWeights::reset_covariance() noexcept {
  std::ranges::fill(covariance_, 0.0);
  for (std::size_t i = 0; i < prior_.size(); ++i) {
    covariance_[packed_at(i, i)] = prior_[i];
  }
}

double GaussianWeights::covariance(std::size_t row, std::size_t column) const noexcept {
  return covariance_[packed_at(row, column)];
}

double GaussianWeights::score(std::span<const double> z) const noexcept {
  return kernels().dot(mean_.data(), z.data(), mean_.size());
}

double GaussianWeights::spread(std::span<const double> z, std::span<double> gain) const noexcept {
  const StripVector strips(z, false, 0.0);
  kernels().packed_multiply(covariance_.data(), strips, gain.data());
  return std::max(0.0, kernels().dot(gain.data(), z.data(), mean_.size()));
}

void GaussianWeights::learn(std::span<const double> gain, double step, double shrink, double keep) noexcept {
  kernels().axpy(mean_.data(), step, gain.data(), mean_.size());
  for (std::size_t row = 0; row < prior_.size(); ++row) {
    scaled_[row] = -keep * shrink * gain[row];
  }
  kernels().packed_rank_one(covariance_.data(), mean_.size() / kLanes, keep, scaled_.data(), gain.data());
  const double back = 1.0 - keep;
  bool sound = true;
  for (std::size_t i = 0; i < prior_.size(); ++i) {
    double& variance = covariance_[packed_at(i, i)];
    variance += back * prior_[i];
    sound = sound && variance > 0.0 && variance <= 2.0 * prior_[i];
  }
  if (!sound) {
    reset_covariance();
  }
}

void GaussianWeights::forget(double part) noexcept {
  const double factor = 1.0 / part;
  bool wound = false;
  for (std::size_t i = 0; i < prior_.size(); ++i) {
    const double grown = covariance_[packed_at(i, i)] * factor;
    // D P D stays a covariance for any diagonal D: rows that would pass their prior are scaled down to it.
    scaled_[i] = grown > prior_[i] ? std::sqrt(prior_[i] / grown) : 1.0;
    wound = wound || scaled_[i] != 1.0;
  }
  for (std::size_t row = 0; row < prior_.size(); ++row) {
    const double own = wound ? factor * scaled_[row] : factor;
    for (std::size_t column = 0; column <= row; ++column) {
      double& entry = covariance_[packed_at(row, column)];
      entry *= wound ? own * scaled_[column] : own;
      // Whole blocks on the diagonal are stored, and the rank-one step rounds their halves apart: growing at
      // every step, that is how recursive least squares diverges.
      if (row / kLanes == column / kLanes) {
        covariance_[packed_at(column, row)] = entry;
      }
    }
  }
}

void GaussianWeights::save(Writer& writer) const {
  writer.numbers(std::span(mean_).first(prior_.size()));
  for (std::size_t row = 0; row < prior_.size(); ++row) {
    for (std::size_t column = 0; column < stored_columns(row, prior_.size()); ++column) {
      writer.f64(covariance_[packed_at(row, column)]);
    }
  }
}

void GaussianWeights::load(Reader& reader) {
  const std::vector<double> means = reader.exactly<double>(prior_.size());
  // Written so that NaN fails.
  bool good = std::ranges::all_of(means, [](double value) { return std::abs(value) <= kLargestBelief; });
  std::ranges::copy(means, mean_.begin());
  for (std::size_t row = 0; row < prior_.size() && reader.ok(); ++row) {
    for (std::size_t column = 0; column < stored_columns(row, prior_.size()); ++column) {
      covariance_[packed_at(row, column)] = reader.finite();
    }
  }
  for (std::size_t row = 0; row < prior_.size() && good; ++row) {
    const double variance = covariance_[packed_at(row, row)];
    good = variance > 0.0 && variance <= 2.0 * prior_[row];
    for (std::size_t column = 0; column < stored_columns(row, prior_.size()); ++column) {
      // Cauchy-Schwarz: what no covariance breaks.
      const double product = variance * covariance_[packed_at(column, column)];
      const double entry = covariance_[packed_at(row, column)];
      good = good && entry * entry <= 1.0001 * product;
    }
  }
  if (!good) {
    reader.fail_now();
  }
}

}  // namespace attune
