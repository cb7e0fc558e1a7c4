// SPDX-License-Identifier: Apache-2.0
#include "simulations/estimators.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/math/distributions/students_t.hpp>

namespace attune::sim {
namespace {

constexpr double kNormal975 = 1.959963984540054;  // 97.5 % quantile of the standard normal
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

Interval wilson_interval(double successes, double trials) {
  if (!(trials > 0.0)) {
    return {kNaN, kNaN, kNaN};
  }
  const double p = successes / trials;
  const double zz = kNormal975 * kNormal975;
  const double centre = (p + zz / (2.0 * trials)) / (1.0 + zz / trials);
  const double half =
      kNormal975 * std::sqrt(p * (1.0 - p) / trials + zz / (4.0 * trials * trials)) / (1.0 + zz / trials);
  return {p, std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

void MeanEstimator::add(double x) noexcept {
  ++count_;
  const double before = x - mean_;
  mean_ += before / static_cast<double>(count_);
  squares_ += before * (x - mean_);
  sum_ += x;
  binary_ = binary_ && (x == 0.0 || x == 1.0);
}

Interval MeanEstimator::interval() const {
  const auto n = static_cast<double>(count_);
  if (binary_) {
    return wilson_interval(sum_, n);
  }
  if (count_ < 2) {
    return {mean_, -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
  }
  const double error = std::sqrt(squares_ / (n - 1.0) / n);
  const double quantile = boost::math::quantile(boost::math::students_t(n - 1.0), 0.975);
  return {mean_, mean_ - quantile * error, mean_ + quantile * error};
}

void WeightedEstimator::add(double weight, double reward) noexcept {
  ++rows_;
  sum_w_ += weight;
  sum_ww_ += weight * weight;
  sum_wr_ += weight * reward;
  sum_wwr_ += weight * weight * reward;
  sum_wwrr_ += weight * weight * reward * reward;
}

Interval WeightedEstimator::ips() const {
  if (rows_ == 0) {
    return {kNaN, kNaN, kNaN};
  }
  const auto n = static_cast<double>(rows_);
  const double value = sum_wr_ / n;
  if (rows_ < 2) {
    return {value, -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
  }
  const double variance = std::max(0.0, (sum_wwrr_ - n * value * value) / (n - 1.0));
  const double half = kNormal975 * std::sqrt(variance / n);
  return {value, value - half, value + half};
}

Interval WeightedEstimator::snips() const {
  if (!(sum_w_ > 0.0)) {
    return {kNaN, kNaN, kNaN};
  }
  const double value = sum_wr_ / sum_w_;
  // sum w^2 (r - v)^2, the delta method's variance times sum(w)^2.
  const double spread = std::max(0.0, sum_wwrr_ - 2.0 * value * sum_wwr_ + value * value * sum_ww_);
  const double half = kNormal975 * std::sqrt(spread) / sum_w_;
  return {value, value - half, value + half};
}

double WeightedEstimator::effective_sample_size() const noexcept {
  return sum_ww_ > 0.0 ? sum_w_ * sum_w_ / sum_ww_ : 0.0;
}

}  // namespace attune::sim
