// SPDX-License-Identifier: Apache-2.0
/// @file
/// Off-policy estimates from logged choices: replay, inverse propensity, self-normalised, with their sample
/// size.
#pragma once

#include <cstdint>

namespace attune::sim {

/// A number with a 95 % interval. NaN where there is nothing to estimate from.
struct Interval {
  double value = 0.0;
  double low = 0.0;
  double high = 0.0;
};

/// Interval for a proportion by its score test.
///
/// Source: Wilson (1927), "Probable Inference, the Law of Succession, and Statistical Inference", JASA
/// 22(158).
[[nodiscard]] Interval wilson_interval(double successes, double trials);

/// Mean of plain observations with its interval: Wilson's where all were 0 or 1, else Student's.
class MeanEstimator {
 public:
  void add(double x) noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] Interval interval() const;

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0.0;
  double squares_ = 0.0;
  double sum_ = 0.0;
  bool binary_ = true;
};

/// Estimates of a policy's value from rows of a log, each with the weight w = (probability that the policy
/// makes the logged choice, or 1 and 0 for a choice drawn from it) / (probability with which the logger made
/// it) and the logged reward r, over n rows:
///
///     IPS   = sum(w r) / n            unbiased; interval from the variance of w r
///     SNIPS = sum(w r) / sum(w)       small bias, never outside the range of the rewards; linearised
///     variance ESS   = sum(w)^2 / sum(w^2)     how many equally weighted rows the weights are worth
///
/// Source: Horvitz, Thompson (1952), JASA 47; Swaminathan, Joachims (2015), "The Self-Normalized Estimator
/// for Counterfactual Learning", NIPS; Kish (1965), "Survey Sampling", for ESS. The intervals are normal
/// approximations: below an ESS of kEnough they are not to be believed, and reports say so.
class WeightedEstimator {
 public:
  static constexpr double kEnough = 100.0;

  /// One row of the log; w >= 0.
  void add(double weight, double reward) noexcept;

  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  [[nodiscard]] Interval ips() const;
  [[nodiscard]] Interval snips() const;
  [[nodiscard]] double effective_sample_size() const noexcept;

 private:
  std::uint64_t rows_ = 0;
  double sum_w_ = 0.0;
  double sum_ww_ = 0.0;
  double sum_wr_ = 0.0;
  double sum_wwr_ = 0.0;
  double sum_wwrr_ = 0.0;
};

}  // namespace attune::sim
