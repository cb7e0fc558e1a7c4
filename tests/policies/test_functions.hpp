// SPDX-License-Identifier: Apache-2.0
/// @file
/// Standard functions to minimise, with their known minima, and a search over them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/policies/gp_optimizer.hpp>

namespace attune {

struct TestFunction {
  std::vector<ParameterSpec> box;
  std::function<double(const std::vector<double>&)> value;
  double minimum = 0.0;
};

/// Dixon, Szego (1978), "The Global Optimization Problem": three global minima in the box.
inline TestFunction branin() {
  using std::numbers::pi;
  return {.box = {{.name = "x", .low = -5, .high = 10}, {.name = "y", .low = 0, .high = 15}},
          .value =
              [](const std::vector<double>& at) {
                const double a = at[1] - 5.1 / (4.0 * pi * pi) * at[0] * at[0] + 5.0 / pi * at[0] - 6.0;
                return a * a + 10.0 * (1.0 - 1.0 / (8.0 * pi)) * std::cos(at[0]) + 10.0;
              },
          .minimum = 0.397887357729739};
}

/// Hartmann's function in six dimensions, ibid.: one global minimum, and a second one 0.12 above it.
inline TestFunction hartmann6() {
  std::vector<ParameterSpec> box;
  for (int i = 0; i < 6; ++i) {
    box.push_back({.name = "x" + std::to_string(i)});
  }
  return {.box = std::move(box),
          .value =
              [](const std::vector<double>& at) {
                constexpr std::array<double, 4> kHeight{1.0, 1.2, 3.0, 3.2};
                constexpr std::array<std::array<double, 6>, 4> kWidth{{{10, 3, 17, 3.5, 1.7, 8},
                                                                       {0.05, 10, 17, 0.1, 8, 14},
                                                                       {3, 3.5, 1.7, 10, 17, 8},
                                                                       {17, 8, 0.05, 10, 0.1, 14}}};
                constexpr std::array<std::array<double, 6>, 4> kPlace{
                    {{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
                     {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
                     {0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
                     {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381}}};
                double sum = 0.0;
                for (std::size_t i = 0; i < 4; ++i) {
                  double distance = 0.0;
                  for (std::size_t k = 0; k < 6; ++k) {
                    const double difference = at[k] - kPlace.at(i).at(k);
                    distance += kWidth.at(i).at(k) * difference * difference;
                  }
                  sum -= kHeight.at(i) * std::exp(-distance);
                }
                return sum;
              },
          .minimum = -3.32236801141551};
}

/// Best value found in `evaluations`, above the minimum.
inline double search_regret(const TestFunction& function, std::uint64_t evaluations, std::uint64_t seed) {
  GpOptimizerConfig config;
  config.parameters = function.box;
  GpOptimizer optimizer = GpOptimizer::make(config).value();
  double best = std::numeric_limits<double>::infinity();
  for (std::uint64_t id = 0; id < evaluations; ++id) {
    Rng rng(seed, 0, id);
    const std::vector<double> at = optimizer.ask(rng).value();
    const double value = function.value(at);
    best = std::min(best, value);
    EXPECT_EQ(optimizer.begin({.id = id, .values = at}), Errc::ok);
    EXPECT_EQ(optimizer.tell(id, -value), Errc::ok);
  }
  return best - function.minimum;
}

}  // namespace attune
