// SPDX-License-Identifier: Apache-2.0
/// @file
/// WeightedMoments: mean and variance of a stream, of all of it or of what is recent.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <attune/core/serial.hpp>

namespace attune {

/// Mean and variance by Welford's update, value n with weight max(1/n, weight): with weight 0 those of all
/// values, else of the last 1/weight or so.
///
/// With w the weight, d = x - mean:  mean += w d,  v = (1 - w) (v + w d^2),  q = (1 - w)^2 q + w^2; the
/// variance is v / (1 - q), unbiased for independent values, q being the sum of the squared weights.
///
/// Source: Welford (1962), Technometrics 4, 419-420; West (1979), CACM 22, 532-535.
class WeightedMoments {
 public:
  /// Takes a finite value of magnitude at most 1e150.
  void add(double value, double weight) noexcept {
    ++count_;
    const double w = std::max(1.0 / static_cast<double>(count_), weight);
    const double distance = value - mean_;
    mean_ += w * distance;
    variance_ = (1.0 - w) * (variance_ + w * distance * distance);
    squares_ = (1.0 - w) * (1.0 - w) * squares_ + w * w;
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] double mean() const noexcept { return mean_; }
  /// Unbiased; 0 of fewer than two values.
  [[nodiscard]] double variance() const noexcept {
    return squares_ < 1.0 ? variance_ / (1.0 - squares_) : 0.0;
  }
  /// Standard deviation of the next value about mean(): that of the values and of the mean itself.
  [[nodiscard]] double prediction_spread() const noexcept { return std::sqrt(variance() * (1.0 + squares_)); }

  void save(Writer& writer) const;
  /// Fails the reader on what cannot be.
  void load(Reader& reader) noexcept;
  [[nodiscard]] bool operator==(const WeightedMoments&) const = default;

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0.0;
  double variance_ = 0.0;
  double squares_ = 1.0;
};

}  // namespace attune
