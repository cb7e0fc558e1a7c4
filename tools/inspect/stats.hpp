// SPDX-License-Identifier: Apache-2.0
/// @file
/// Moments: mean, spread and a 95 % interval of numbers seen one after the other.
#pragma once

#include <cstdint>
#include <limits>

namespace attune::tools {

/// A 95 % interval; NaN where nothing can be said.
struct Bounds {
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
};

/// By Welford's update.
class Moments {
 public:
  void add(double x) noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// NaN while nothing was added.
  [[nodiscard]] double mean() const noexcept {
    return count_ > 0 ? mean_ : std::numeric_limits<double>::quiet_NaN();
  }
  /// n - 1 in the denominator; NaN below two numbers.
  [[nodiscard]] double deviation() const noexcept;
  [[nodiscard]] double least() const noexcept { return least_; }
  [[nodiscard]] double largest() const noexcept { return largest_; }
  /// Of the mean: Wilson's where all numbers were 0 or 1, else Student's. It takes the numbers for
  /// independent, which rewards of a policy that adapts are not quite: read it as a scale, not as a test.
  [[nodiscard]] Bounds interval() const;

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0.0;
  double squares_ = 0.0;
  double least_ = std::numeric_limits<double>::infinity();
  double largest_ = -std::numeric_limits<double>::infinity();
  bool binary_ = true;
};

}  // namespace attune::tools
