// SPDX-License-Identifier: Apache-2.0
/// @file
/// Which of several independent draws is the largest: probabilities by quadrature.
#pragma once

#include <optional>
#include <span>

#include <attune/core/score_law.hpp>

namespace attune {

/// out[i] = P(the draw of laws[i] is the largest); fixed laws that tie share. The sum of the absolute errors
/// as estimated; no value where a law is unknown, its quantiles are beyond the numbers, or the error would be
/// more than 1e-6 (densities that are infinite at their ends). `out` has the length of `laws`, at least 1.
///
///     P(i) = integral of f_i(x) times the product of F_j(x) over j != i
///
/// all i at once, by adaptive Gauss-Kronrod quadrature (7 of 15 points) over panels between quantiles of the
/// laws. Parts of less than 1e-12 are left out.
///
/// Source: Kronrod (1965); Piessens et al. (1983), "QUADPACK", for the 7-15 rule. Cost: some
/// hundred evaluations of every law that can win, twice as many of many that are alike.
[[nodiscard]] std::optional<double> largest_draw_probabilities(std::span<const ScoreLaw> laws,
                                                               std::span<double> out);

}  // namespace attune
