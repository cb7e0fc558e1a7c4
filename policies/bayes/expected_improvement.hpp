// SPDX-License-Identifier: Apache-2.0
/// @file
/// The logarithm of expected improvement, accurate where the improvement itself underflows.
#pragma once

namespace attune::detail {

/// A function value with its derivative.
struct Slope {
  double value = 0.0;
  double derivative = 0.0;
};

/// log h(z) and its derivative, h(z) = phi(z) + z Phi(z) with the standard normal density phi and
/// distribution Phi: E[max(f - best, 0)] = s h((m - best) / s) for f ~ N(m, s^2).
///
/// Source: Ament, Daulton, Eriksson, Balandat, Bakshy (2023), "Unexpected Improvements to Expected
/// Improvement for Bayesian Optimization", NeurIPS 36, equation 9. Difference: for z < -2 the continued
/// fraction of Mills' ratio, Phi(-x) / phi(x) = 1 / (x + c), c = 1 / (x + 2 / (x + 3 / (x + ...))), gives h =
/// phi c / (x + c) and h' / h = 1 / c without any cancellation, where the paper subtracts and changes to an
/// asymptotic form further out.
[[nodiscard]] Slope log_improvement(double z) noexcept;

}  // namespace attune::detail
