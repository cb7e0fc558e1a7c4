// SPDX-License-Identifier: Apache-2.0
/// @file
/// ProgressiveScore: how well a learner predicts what it has not yet learned from.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/core/concepts.hpp>

namespace attune {

/// Losses of predictions that were made before their targets were learned from: test, then train.
///
/// `probability` says that predictions are probabilities of a target in [0, 1]; only then is there a log
/// loss, of predictions cut to [1e-15, 1 - 1e-15]. A prediction counts as right when it lies on the same side
/// of 1/2 as its target.
///
/// Source: Blum, Kalai, Langford (1999), "Beating the Hold-Out: Bounds for K-fold and Progressive
/// Cross-Validation", COLT: the mean of these losses is as good an estimate as that of as many held-out
/// examples. Here it is that of a learner on its way, not of the last one.
///
/// Cost: constant; nothing allocates.
class ProgressiveScore {
 public:
  static constexpr std::string_view kName = "progressive_score";
  static constexpr std::uint32_t kStateVersion = 1;

  explicit ProgressiveScore(bool probability = true) noexcept : probability_(probability) {}

  /// Errors: non_finite; invalid_argument (weight < 0, a target or probability outside [0, 1] where there
  /// must be none). Nothing is counted then.
  [[nodiscard]] Errc add(double prediction, double target, double weight = 1.0) noexcept;

  [[nodiscard]] std::uint64_t examples() const noexcept { return examples_; }
  [[nodiscard]] double weight() const noexcept { return weight_; }
  // Means over what was added, by weight; NaN of nothing, and of the log loss where there is none.
  [[nodiscard]] double log_loss() const noexcept;
  [[nodiscard]] double squared_loss() const noexcept { return squares_ / weight_; }
  [[nodiscard]] double absolute_loss() const noexcept { return absolutes_ / weight_; }
  [[nodiscard]] double accuracy() const noexcept { return right_ / weight_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const ProgressiveScore&) const = default;

 private:
  bool probability_;
  std::uint64_t examples_ = 0;
  double weight_ = 0.0;
  double logs_ = 0.0;
  double squares_ = 0.0;
  double absolutes_ = 0.0;
  double right_ = 0.0;
};

}  // namespace attune
