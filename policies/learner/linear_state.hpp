// SPDX-License-Identifier: Apache-2.0
/// @file
/// Saving and loading of what the linear learners share.
#pragma once

#include <cstdint>
#include <span>

#include <attune/core/serial.hpp>
#include <attune/policies/linear_loss.hpp>

namespace attune::detail {

// What no number of examples passes, gradients being at most 1e100: an AdaGrad step is at most its rate, an
// FTRL weight an average of earlier ones plus at most alpha sqrt(examples).
inline constexpr double kLargestWeight = 1e25;
inline constexpr double kLargestSquares = 1e250;

/// |value| <= bound for all; false for NaN.
[[nodiscard]] bool all_within(std::span<const double> values, double bound) noexcept;

void save_numbers(Writer& writer, const LinearModel& model, std::uint64_t updates);
/// The reader fails when the numbers are not a model of this shape; `model` is then not to be used.
void load_numbers(Reader& reader, LinearModel& model, std::uint64_t& updates);

}  // namespace attune::detail
