// SPDX-License-Identifier: Apache-2.0
#include "policies/bandit/bernoulli_kl.hpp"

namespace attune::detail {

double kl_upper_bound(double p, double entropy, double level) noexcept {
  if (p >= 1.0 || level > 700.0) {
    return 1.0;
  }
  const double rest = 1.0 - p;
  if (p <= 0.0) {
    return 1.0 - portable_exp(-level);  // kl(0, q) = -ln(1 - q)
  }
  const double pinsker = p + std::sqrt(0.5 * level);
  const double narrow = p + level + std::sqrt(level * (level + 2.0 * p));
  const double far = 1.0 - portable_exp((entropy - level) / rest);
  double q = std::min({pinsker, narrow, far});
  constexpr int kSteps = 40;  // never reached: a guard against a cycle of roundings
  for (int step = 0; step < kSteps && q > p && q < 1.0; ++step) {
    const double excess = LogOdds(q).divergence(p, entropy) - level;
    if (excess <= 0.0) {
      break;
    }
    const double change = excess * q * (1.0 - q) / (q - p);
    const double next = std::max(q - change, p);
    if (!(next < q)) {
      break;
    }
    q = next;
    if (change < 1e-13 * q) {
      break;
    }
  }
  return std::clamp(q, p, 1.0);
}

}  // namespace attune::detail
