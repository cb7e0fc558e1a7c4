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

/// Value of a policy from rows of a log, each with its weight w = (probability that the policy makes the
/// logged choice) / (probability with which it was made) and its reward r, over n rows:
///
///     IPS   = sum(w r) / n         unbiased where the log could have made every choice of the policy
///     SNIPS = sum(w r) / sum(w)    small bias, never outside the range of the rewards; linearised variance
///     ESS   = sum(w)^2 / sum(w^2)  how many equally weighted rows the weights are worth
///
/// The mean weight is 1 where the log covers the policy. Source: Horvitz, Thompson (1952), JASA 47;
/// Swaminathan, Joachims (2015), "The Self-Normalized Estimator for Counterfactual Learning", NIPS; Kish
/// (1965), "Survey Sampling".
class WeightedRows {
 public:
  static constexpr double kEnough = 100.0;  ///< ESS below which the normal intervals are not to be believed

  void add(double weight, double reward) noexcept;
  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  [[nodiscard]] double ips() const noexcept { return sum_wr_ / n(); }
  [[nodiscard]] Bounds ips_interval() const noexcept;
  [[nodiscard]] double snips() const noexcept { return sum_wr_ / sum_w_; }
  [[nodiscard]] Bounds snips_interval() const noexcept;
  [[nodiscard]] double effective_rows() const noexcept { return sum_w_ * sum_w_ / sum_ww_; }
  [[nodiscard]] double mean_weight() const noexcept { return sum_w_ / n(); }
  /// Standard error of the mean weight.
  [[nodiscard]] double weight_error() const noexcept;

 private:
  [[nodiscard]] double n() const noexcept { return static_cast<double>(rows_); }

  std::uint64_t rows_ = 0;
  double sum_w_ = 0.0;
  double sum_ww_ = 0.0;
  double sum_wr_ = 0.0;
  double sum_wwr_ = 0.0;
  double sum_wwrr_ = 0.0;
};

}  // namespace attune::tools
