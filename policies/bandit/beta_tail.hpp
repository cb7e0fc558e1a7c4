// SPDX-License-Identifier: Apache-2.0
/// @file
/// Tail and upper quantile of the Beta distribution, the same bits on every machine: those of Boost.Math take
/// the logarithms of the C library.
#pragma once

namespace attune::detail {

/// ln Gamma(x) for x >= 1e-3, within 1e-14 (1 + |ln Gamma(x)|).
///
/// Stirling's series from 12 on (its first term left out is below 1e-17), and Gamma(x + 1) = x Gamma(x)
/// below.
[[nodiscard]] double portable_log_gamma(double x) noexcept;

/// ln Gamma(a) + ln Gamma(b) - ln Gamma(a + b).
[[nodiscard]] double log_beta(double a, double b) noexcept;

/// ln P(X > x) of X ~ Beta(a, b), 0 < x < 1; `log_norm` is log_beta(a, b). Relative error of P about 1e-12
/// for a, b up to 1e6.
///
/// Source: the continued fraction of DLMF 8.17.22, by the method of Lentz as modified by Thompson and Barnett
/// (1986), Journal of Computational Physics 64, on the side where it converges fast.
[[nodiscard]] double log_beta_tail(double a, double b, double x, double log_norm) noexcept;

/// The x with ln P(X > x) = level <= ln(1/2), from above to about 1e-12: Newton's method on the logarithm of
/// the tail, which is concave, between bounds.
[[nodiscard]] double beta_upper_quantile(double a, double b, double level) noexcept;

}  // namespace attune::detail
