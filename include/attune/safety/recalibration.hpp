// SPDX-License-Identifier: Apache-2.0
/// @file
/// PlattScaling and IsotonicRegression: from scores of any kind to probabilities that hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/concepts.hpp>

namespace attune {

/// p(score) = 1 / (1 + exp(slope score + offset)); slope < 0 where higher scores mean more likely.
///
/// Fitted by maximum likelihood to the targets (N+ + 1) / (N+ + 2) and 1 / (N- + 2) instead of 1 and 0, which
/// keeps the fit finite where the classes can be told apart, with Newton's method and backtracking.
///
/// Source: Platt (1999), "Probabilistic Outputs for Support Vector Machines"; Lin, Lin, Weng (2007), "A Note
/// on Platt's Probabilistic Outputs for Support Vector Machines", Mach. Learn. 68, 267-276, algorithm 1.
/// Difference: the scores are centred and scaled for the fit, so that their unit does not matter to its
/// convergence. Cost: O(n) for each of some ten steps; a probability takes one exponential.
class PlattScaling {
 public:
  static constexpr std::string_view kName = "platt_scaling";
  static constexpr std::uint32_t kStateVersion = 1;

  /// p = 1/2 whatever the score, to load a state into.
  PlattScaling() = default;
  /// `happened[i]` says whether the event of score i came about.
  ///
  /// Errors: dimension_mismatch, invalid_argument (no score; larger than 1e150), non_finite.
  [[nodiscard]] static Result<PlattScaling> fit(std::span<const double> scores,
                                                std::span<const std::uint8_t> happened);

  /// NaN for a score that is not finite.
  [[nodiscard]] double probability(double score) const noexcept;
  [[nodiscard]] double slope() const noexcept { return slope_; }
  [[nodiscard]] double offset() const noexcept { return offset_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const PlattScaling&) const = default;

 private:
  double slope_ = 0.0;
  double offset_ = 0.0;
};

/// The rising function that is nearest to the outcomes in weighted least squares: pool adjacent violators.
///
/// Equal scores are pooled first. Between the scores that it was fitted to it goes in straight lines, outside
/// of them it is constant.
///
/// Source: Ayer et al. (1955), Ann. Math. Stat. 26, 641-647; for calibration: Zadrozny, Elkan (2002), KDD,
/// 694-699. Limits: a few hundred scores at least, or it learns their noise; PlattScaling needs fewer. Cost:
/// O(n log n) to fit, O(log steps) a value.
class IsotonicRegression {
 public:
  static constexpr std::string_view kName = "isotonic_regression";
  static constexpr std::uint32_t kStateVersion = 1;

  /// 0 whatever the score, to load a state into.
  IsotonicRegression() = default;
  /// `weights` empty: all 1.
  ///
  /// Errors: dimension_mismatch, invalid_argument (no score, a weight that is not positive), non_finite.
  [[nodiscard]] static Result<IsotonicRegression> fit(std::span<const double> scores,
                                                      std::span<const double> outcomes,
                                                      std::span<const double> weights = {});

  /// NaN for NaN.
  [[nodiscard]] double value(double score) const noexcept;
  /// Ends of the steps: scores rising, values not falling.
  [[nodiscard]] std::span<const double> knots() const noexcept { return score_; }
  [[nodiscard]] std::span<const double> values() const noexcept { return value_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const IsotonicRegression&) const = default;

 private:
  std::vector<double> score_;
  std::vector<double> value_;
};

}  // namespace attune
