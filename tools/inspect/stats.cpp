// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/stats.hpp"

#include <algorithm>
#include <cmath>

#include <boost/math/distributions/students_t.hpp>

namespace attune::tools {
namespace {

constexpr double kNormal975 = 1.959963984540054;  // 97.5 % quantile of the standard normal

}  // namespace

void Moments::add(double x) noexcept {
  ++count_;
  const double before = x - mean_;
  mean_ += before / static_cast<double>(count_);
  squares_ += before * (x - mean_);
  least_ = std::min(least_, x);
  largest_ = std::max(largest_, x);
  binary_ = binary_ && (x == 0.0 || x == 1.0);
}

double Moments::deviation() const noexcept {
  return count_ > 1 ? std::sqrt(squares_ / static_cast<double>(count_ - 1))
                    : std::numeric_limits<double>::quiet_NaN();
}

Bounds Moments::interval() const {
  if (count_ < 2) {
    return {};
  }
  const auto n = static_cast<double>(count_);
  if (binary_) {
    const double zz = kNormal975 * kNormal975;
    const double centre = (mean_ + zz / (2.0 * n)) / (1.0 + zz / n);
    const double half = kNormal975 *
                        std::sqrt(std::max(0.0, mean_ * (1.0 - mean_)) / n + zz / (4.0 * n * n)) /
                        (1.0 + zz / n);
    return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
  }
  const double half =
      boost::math::quantile(boost::math::students_t(n - 1.0), 0.975) * deviation() / std::sqrt(n);
  return {mean_ - half, mean_ + half};
}

void WeightedRows::add(double weight, double reward) noexcept {
  ++rows_;
  sum_w_ += weight;
  sum_ww_ += weight * weight;
  sum_wr_ += weight * reward;
  sum_wwr_ += weight * weight * reward;
  sum_wwrr_ += weight * weight * reward * reward;
}

Bounds WeightedRows::ips_interval() const noexcept {
  if (rows_ < 2) {
    return {};
  }
  const double variance = std::max(0.0, (sum_wwrr_ - n() * ips() * ips()) / (n() - 1.0));
  const double half = kNormal975 * std::sqrt(variance / n());
  return {ips() - half, ips() + half};
}

Bounds WeightedRows::snips_interval() const noexcept {
  if (rows_ < 2 || !(sum_w_ > 0.0)) {
    return {};
  }
  // sum of w^2 (r - v)^2 over sum(w)^2: the delta method.
  const double v = snips();
  const double squares = std::max(0.0, sum_wwrr_ - 2.0 * v * sum_wwr_ + v * v * sum_ww_);
  const double half = kNormal975 * std::sqrt(squares) / sum_w_;
  return {v - half, v + half};
}

double WeightedRows::weight_error() const noexcept {
  const double variance = std::max(0.0, sum_ww_ / n() - mean_weight() * mean_weight());
  return std::sqrt(variance / n());
}

}  // namespace attune::tools
