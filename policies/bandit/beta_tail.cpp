// SPDX-License-Identifier: Apache-2.0
#include "policies/bandit/beta_tail.hpp"

#include <algorithm>
#include <cmath>

#include "policies/bandit/bernoulli_kl.hpp"

namespace attune::detail {
namespace {

/// What Stirling's formula leaves out: ln Gamma(x) - ((x - 1/2) ln x - x + ln(2 pi) / 2), for x >= 12.
[[nodiscard]] double stirling_rest(double x) noexcept {
  const double z = 1.0 / (x * x);
  return (1.0 / 12 +
          z * (-1.0 / 360 + z * (1.0 / 1260 + z * (-1.0 / 1680 + z * (1.0 / 1188 - z * (691.0 / 360360)))))) /
         x;
}

/// ln(1 + z) for z >= 0, also where 1 + z has lost the digits of z (Kahan).
[[nodiscard]] double log_of_one_plus(double z) noexcept {
  const double y = 1.0 + z;
  return y == 1.0 ? z : portable_log(y) * (z / (y - 1.0));
}

/// The continued fraction by which x^a (1 - x)^b / (a B(a, b)) is multiplied.
[[nodiscard]] double beta_fraction(double a, double b, double x) noexcept {
  constexpr double kTiny = 1e-300;
  constexpr int kTerms = 5000;  // of the order of sqrt(max(a, b)) are needed
  double c = 1.0;
  double d = 1.0 - (a + b) * x / (a + 1.0);
  d = 1.0 / (std::abs(d) < kTiny ? kTiny : d);
  double value = d;
  for (int m = 1; m <= kTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
    d = 1.0 + even * d;
    c = 1.0 + even / c;
    d = 1.0 / (std::abs(d) < kTiny ? kTiny : d);
    c = std::abs(c) < kTiny ? kTiny : c;
    value *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
    d = 1.0 + odd * d;
    c = 1.0 + odd / c;
    d = 1.0 / (std::abs(d) < kTiny ? kTiny : d);
    c = std::abs(c) < kTiny ? kTiny : c;
    value *= d * c;
    if (std::abs(d * c - 1.0) < 1e-15) {
      break;
    }
  }
  return value;
}

}  // namespace

double portable_log_gamma(double x) noexcept {
  constexpr double kHalfLogTwoPi = 0.91893853320467274178;
  double product = 1.0;
  for (; x < 12.0; x += 1.0) {
    product *= x;
  }
  return (x - 0.5) * portable_log(x) - x + kHalfLogTwoPi + stirling_rest(x) - portable_log(product);
}

double log_beta(double a, double b) noexcept {
  const double small = std::min(a, b);
  const double large = std::max(a, b);
  if (large < 12.0) {
    return portable_log_gamma(a) + portable_log_gamma(b) - portable_log_gamma(a + b);
  }
  // ln Gamma(large) - ln Gamma(large + small) without the difference of two large numbers.
  const double sum = large + small;
  const double ratio = log_of_one_plus(small / large);
  return portable_log_gamma(small) + stirling_rest(large) - stirling_rest(sum) - (large - 0.5) * ratio -
         small * portable_log(sum) + small;
}

double log_beta_tail(double a, double b, double x, double log_norm) noexcept {
  const double rest = 1.0 - x;
  const double power = a * log_floored(x) + b * log_floored(rest) - log_norm;
  if (x > (a + 1.0) / (a + b + 2.0)) {
    return power - portable_log(b) + portable_log(beta_fraction(b, a, rest));
  }
  const double below = portable_exp(power - portable_log(a) + portable_log(beta_fraction(a, b, x)));
  return log_floored(1.0 - below);
}

double beta_upper_quantile(double a, double b, double level) noexcept {
  const double log_norm = log_beta(a, b);
  double low = 0.0;
  double high = 1.0;
  // Chernoff: P(X > x) <= exp(-(a + b) kl(a / (a + b), x)). The root lies below the x where this is the
  // level.
  const double mean = a / (a + b);
  double x = std::min(kl_upper_bound(mean, negative_entropy(mean), -level / (a + b)), 1.0 - 1e-16);
  constexpr int kSteps = 60;
  for (int step = 0; step < kSteps; ++step) {
    const double tail = log_beta_tail(a, b, x, log_norm);
    (tail < level ? high : low) = x;
    // d ln P / dx = -density / P.
    const double slope =
        -portable_exp((a - 1.0) * log_floored(x) + (b - 1.0) * log_floored(1.0 - x) - log_norm - tail);
    double next = x - (tail - level) / slope;
    if (!(next > low && next < high)) {
      next = 0.5 * (low + high);
    }
    if (std::abs(next - x) < 1e-13 * std::max(x, 1e-3)) {
      x = next;
      break;
    }
    x = next;
  }
  return x;
}

}  // namespace attune::detail
