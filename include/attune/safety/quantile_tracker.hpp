// SPDX-License-Identifier: Apache-2.0
/// @file
/// QuantileTracker: a threshold that a given share of a stream exceeds, whatever the stream does.
#pragma once

namespace attune {

/// q += step (1{x > q} - level): up by step (1 - level) when a value exceeds it, down by step level when not.
///
/// Of T values the share that exceeds q differs from `level` by at most |q_T - q_0| / (step T), for every
/// stream: no assumption is needed. A value of any size moves q by one step.
///
/// Source: Gibbs, Candes (2021), "Adaptive Conformal Inference Under Distribution Shift", NeurIPS;
/// Angelopoulos, Candes, Tibshirani (2023), "Conformal PID Control for Time Series Prediction", NeurIPS,
/// section 2.1.
class QuantileTracker {
 public:
  /// level in (0, 1), step >= 0; 0: the threshold stays.
  QuantileTracker(double start, double level, double step) noexcept
      : threshold_(start), level_(level), step_(step) {}

  [[nodiscard]] double threshold() const noexcept { return threshold_; }
  void add(double value) noexcept { threshold_ += step_ * ((value > threshold_ ? 1.0 : 0.0) - level_); }
  /// For load; finite.
  void restore(double threshold) noexcept { threshold_ = threshold; }
  [[nodiscard]] bool operator==(const QuantileTracker&) const = default;

 private:
  double threshold_;
  double level_;
  double step_;
};

}  // namespace attune
