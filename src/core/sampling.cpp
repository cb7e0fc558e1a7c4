// SPDX-License-Identifier: Apache-2.0
#include <attune/core/sampling.hpp>

#include <cmath>

#include <boost/random/exponential_distribution.hpp>
#include <boost/random/normal_distribution.hpp>

#include "core/portable_math.hpp"

namespace attune {
namespace {

/// Marsaglia and Tsang's method for shape >= 1.
double gamma_at_least_one(Rng& rng, double shape) noexcept {
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = sample_normal(rng);
    double v = 1.0 + c * x;
    if (v <= 0.0) {
      continue;
    }
    v = v * v * v;
    const double u = rng.uniform();
    const double x2 = x * x;
    if (u < 1.0 - 0.0331 * x2 * x2) {  // the squeeze: accepts 98 % without a logarithm
      return d * v;
    }
    if (detail::portable_log(u) < 0.5 * x2 + d * (1.0 - v + detail::portable_log(v))) {
      return d * v;
    }
  }
}

/// ln of a gamma variate; finite also where the variate itself underflows.
double log_gamma_variate(Rng& rng, double shape) noexcept {
  if (shape >= 1.0) {
    return detail::portable_log(gamma_at_least_one(rng, shape));
  }
  const double log_variate = detail::portable_log(gamma_at_least_one(rng, shape + 1.0));
  const double u = 1.0 - rng.uniform();  // in (0, 1]
  return log_variate + detail::portable_log(u) / shape;
}

}  // namespace

double sample_normal(Rng& rng) noexcept { return boost::random::normal_distribution<double>()(rng); }

double sample_gamma(Rng& rng, double shape) noexcept {
  if (shape >= 1.0) {
    return gamma_at_least_one(rng, shape);
  }
  return detail::portable_exp(log_gamma_variate(rng, shape));
}

double sample_beta(Rng& rng, double a, double b) noexcept {
  if (a >= 1.0 && b >= 1.0) {
    const double x = gamma_at_least_one(rng, a);
    const double y = gamma_at_least_one(rng, b);
    return x / (x + y);
  }
  const double log_x = log_gamma_variate(rng, a);
  const double log_y = log_gamma_variate(rng, b);
  return 1.0 / (1.0 + detail::portable_exp(log_y - log_x));
}

double sample_chi_squared(Rng& rng, double degrees) noexcept {
  return 2.0 * sample_gamma(rng, degrees / 2.0);
}

double sample_exponential(Rng& rng) noexcept {
  return boost::random::exponential_distribution<double>()(rng);
}

}  // namespace attune
