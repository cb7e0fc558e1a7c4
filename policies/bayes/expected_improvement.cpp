// SPDX-License-Identifier: Apache-2.0
#include "policies/bayes/expected_improvement.hpp"

#include <cmath>
#include <numbers>

namespace attune::detail {
namespace {

const double kLogSqrtTwoPi = 0.5 * std::log(2.0 * std::numbers::pi);
constexpr double kTail = -2.0;

double normal_distribution(double z) noexcept { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

/// c of the docstring, for x >= 2. The fraction is cut where its tail, f = x + k / f, is put in closed form.
double mills_remainder(double x) noexcept {
  const int terms = 12 + static_cast<int>(400.0 / (x * x));
  double fraction = 0.5 * (x + std::sqrt(x * x + 4.0 * static_cast<double>(terms + 1)));
  for (int k = terms; k >= 2; --k) {
    fraction = x + static_cast<double>(k) / fraction;
  }
  return 1.0 / fraction;
}

}  // namespace

Slope log_improvement(double z) noexcept {
  if (z > kTail) {
    const double density = std::exp(-0.5 * z * z - kLogSqrtTwoPi);
    const double distribution = normal_distribution(z);
    const double improvement = density + z * distribution;
    return {std::log(improvement), distribution / improvement};
  }
  const double x = -z;
  const double c = mills_remainder(x);
  return {-0.5 * z * z - kLogSqrtTwoPi + std::log(c / (x + c)), 1.0 / c};
}

}  // namespace attune::detail
