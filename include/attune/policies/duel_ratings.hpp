// SPDX-License-Identifier: Apache-2.0
/// @file
/// DuelRatings: a rating of each arm and how sure it is.
#pragma once

#include <cstddef>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/duels.hpp>

namespace attune {

/// Ratings r of which arm i beats arm j with probability 1 / (1 + exp(r_j - r_i)) (Bradley, Terry 1952), each
/// with a mean and a variance, learned from one comparison at a time by Glicko's update in units of natural
/// logarithms:
///
///     g(v) = 1 / sqrt(1 + 3 v / pi^2),   e = 1 / (1 + exp(-g(v_j) (m_i - m_j))),
///     1 / v_i <- 1 / v_i + w g(v_j)^2 e (1 - e),   m_i <- m_i + v_i w g(v_j) (s - e),
///
/// s: 1 for a win, 0 for a loss, 1/2 for a tie; both arms from the values before.
///
/// Source: Glickman (1999), "Parameter Estimation in Large Dynamic Paired Comparison Experiments", Applied
/// Statistics 48, equations 9 to 12, a comparison a rating period and no growth of variances between them. A
/// Glicko point is ln(10) / 400 of these units. Memory: 17 bytes an arm.
class DuelRatings {
 public:
  /// `deviation` of ratings before the first comparison.
  DuelRatings(std::size_t arms, double deviation)
      : first_variance_(deviation * deviation),
        arms_(arms),
        mean_(arms, 0.0),
        variance_(arms, first_variance_),
        compared_(arms, 0.0) {}

  [[nodiscard]] const ArmSet& arms() const noexcept { return arms_; }
  [[nodiscard]] ArmSet& arms() noexcept { return arms_; }
  [[nodiscard]] double mean(std::size_t arm) const noexcept { return mean_[arm]; }
  [[nodiscard]] double variance(std::size_t arm) const noexcept { return variance_[arm]; }
  /// The enabled arm of the largest mean.
  [[nodiscard]] ArmIndex best() const noexcept;

  /// False, and nothing changed, where a number would overflow.
  [[nodiscard]] bool learn(const DuelFeedback& feedback) noexcept;
  [[nodiscard]] Result<ArmIndex> add();
  void reset(std::size_t arm) noexcept;

  void save(Writer& writer) const;
  /// False, and nothing changed, where what is read cannot be ratings of at most `most` arms.
  [[nodiscard]] bool load(Reader& reader, std::size_t most);
  /// A row an arm: enabled, comparisons, mean, deviation, and the mean in Elo points.
  void describe(Description& text) const;
  bool operator==(const DuelRatings&) const = default;

 private:
  double first_variance_;
  ArmSet arms_;
  std::vector<double> mean_;
  std::vector<double> variance_;
  std::vector<double> compared_;
};

}  // namespace attune
