// SPDX-License-Identifier: Apache-2.0
/// @file
/// Random variates used by policies; the same numbers for the same Rng on every compiler.
#pragma once

#include <cstddef>
#include <cstdint>

#include <attune/core/rng.hpp>

namespace attune {

/// Standard normal variate: the ziggurat of Boost.Random. Cost: about 4 ns.
[[nodiscard]] double sample_normal(Rng& rng) noexcept;

/// Gamma variate with the given shape > 0 and scale 1.
///
/// Source: Marsaglia, Tsang (2000), "A Simple Method for Generating Gamma Variables", ACM TOMS 26(3); for
/// shape < 1 by their section 6, gamma(shape + 1) * U^(1/shape). Own code because Boost.Random 1.74 draws
/// through tan() and is several times slower, which decides the cost of Thompson sampling (bench/).
[[nodiscard]] double sample_gamma(Rng& rng, double shape) noexcept;

/// Beta(a, b) variate as a ratio of gammas; a, b > 0. Small shapes are handled in logs, so that the ratio is
/// never 0/0. Cost: about 25 ns.
[[nodiscard]] double sample_beta(Rng& rng, double a, double b) noexcept;

/// Chi-squared variate with `degrees` > 0 degrees of freedom.
[[nodiscard]] double sample_chi_squared(Rng& rng, double degrees) noexcept;

/// Exponential variate of mean 1 (ziggurat of Boost.Random).
[[nodiscard]] double sample_exponential(Rng& rng) noexcept;

/// Chooses uniformly among the maxima of a sequence in one pass, with one draw per tie.
///
/// Reservoir sampling: the k-th tied candidate replaces the choice with probability 1/k. Starts at -infinity;
/// NaN is never taken.
class ArgMax {
 public:
  void offer(std::size_t candidate, double value, Rng& rng) noexcept {
    if (value > best_ || (ties_ == 0 && value == best_)) {
      best_ = value;
      chosen_ = candidate;
      ties_ = 1;
    } else if (value == best_) {
      ++ties_;
      if (rng.below(ties_) == 0) {
        chosen_ = candidate;
      }
    }
  }
  [[nodiscard]] bool empty() const noexcept { return ties_ == 0; }
  [[nodiscard]] std::size_t chosen() const noexcept { return chosen_; }
  [[nodiscard]] double value() const noexcept { return best_; }
  [[nodiscard]] std::uint64_t ties() const noexcept { return ties_; }

 private:
  double best_ = -std::numeric_limits<double>::infinity();
  std::size_t chosen_ = 0;
  std::uint64_t ties_ = 0;
};

}  // namespace attune
