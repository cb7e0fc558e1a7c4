// SPDX-License-Identifier: Apache-2.0
/// @file
/// The Kullback-Leibler divergence of Bernoulli distributions and upper bounds from it, the same bits on
/// every machine.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"

namespace attune::detail {

/// portable_log where x may be 0 or so small that it is not normal.
[[nodiscard]] inline double log_floored(double x) noexcept { return portable_log(std::max(x, 1e-300)); }

/// p ln p + (1 - p) ln(1 - p) for p in [0, 1]: the part of kl(p, q) that does not know q.
[[nodiscard]] inline double negative_entropy(double p) noexcept {
  return p * log_floored(p) + (1.0 - p) * log_floored(1.0 - p);
}

/// ln q and ln(1 - q), of which kl(p, q) is a linear function for any p.
struct LogOdds {
  double q = 0.0;
  double log = 0.0;
  double log_rest = 0.0;

  explicit LogOdds(double probability) noexcept
      : q(probability), log(log_floored(probability)), log_rest(log_floored(1.0 - probability)) {}
  LogOdds() noexcept : LogOdds(0.5) {}

  /// kl(p, q) = p ln(p / q) + (1 - p) ln((1 - p) / (1 - q)), given the negative entropy of p. Within 1e-15 (1
  /// - ln q - ln(1 - q)) of it, so it may be negative by that much.
  [[nodiscard]] double divergence(double p, double entropy) const noexcept {
    return entropy - p * log - (1.0 - p) * log_rest;
  }
};

[[nodiscard]] inline double bernoulli_kl(double p, double q) noexcept {
  return std::max(LogOdds(q).divergence(p, negative_entropy(p)), 0.0);
}

/// The largest q in [p, 1] with kl(p, q) <= level, for p in [0, 1] and level >= 0 (which may be infinite).
///
/// Newton's method from the right of the root: kl(p, .) is convex there, so that it comes down to the root
/// without passing it. It starts at the least of three bounds: p + sqrt(level / 2) (Pinsker), the root of
/// (q - p)^2 = 2 q level, and 1 - exp(-(level + H(p)) / (1 - p)), H the entropy. Cost: three to ten steps of
/// two logarithms.
[[nodiscard]] double kl_upper_bound(double p, double entropy, double level) noexcept;

/// Whether kl(p, bar) > level for certain, whatever the rounding.
class KlBar {
 public:
  void raise(double best) noexcept {
    odds_ = LogOdds(std::clamp(best, 0.0, 1.0));
    slack_ = 1e-14 * (1.0 - odds_.log - odds_.log_rest);
  }
  [[nodiscard]] bool beyond(double p, double entropy, double level) const noexcept {
    return p < odds_.q && odds_.divergence(p, entropy) - slack_ > level * (1.0 + 1e-9);
  }
  [[nodiscard]] double at() const noexcept { return odds_.q; }

 private:
  LogOdds odds_{0.0};
  double slack_ = 0.0;
};

}  // namespace attune::detail
