// SPDX-License-Identifier: Apache-2.0
/// @file
/// Examples for linear learners, and their batch solutions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace attune::test {

/// Examples with normal features.
struct Examples {
  std::vector<std::vector<double>> features;
  std::vector<double> targets;

  [[nodiscard]] std::size_t count() const { return targets.size(); }
};

/// Targets 1 - x_0 + x_1/2 + noise, or coin flips with that log-odds.
[[nodiscard]] Examples make_examples(std::size_t count, std::size_t features, bool coin, std::uint64_t seed);

/// Minimiser of the squared loss over all examples; the constant comes last.
[[nodiscard]] std::vector<double> least_squares(const Examples& examples);

/// Minimiser of the logistic loss, by Newton's method.
[[nodiscard]] std::vector<double> logistic_regression(const Examples& examples);

}  // namespace attune::test
