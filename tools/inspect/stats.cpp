// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/stats.hpp"

#include <algorithm>
#include <cmath>

#include <boost/math/distributions/students_t.hpp>

namespace attune::tools {

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
    constexpr double kNormal975 = 1.959963984540054;
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

}  // namespace attune::tools
