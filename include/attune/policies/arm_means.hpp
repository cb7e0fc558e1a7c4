// SPDX-License-Identifier: Apache-2.0
/// @file
/// ArmMeans: the part that policies share which know of each arm only its mean reward, its weight and its
/// spread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <attune/core/arm_set.hpp>

namespace attune {

/// Which rewards a policy learns from; others are refused.
enum class RewardDomain : std::uint8_t {
  any,           ///< any finite number
  unit,          ///< [0, 1]
  not_negative,  ///< [0, infinity)
};

/// Arms with the weighted average of their rewards, its weight, the spread around it and the pulls whose
/// reward is still to come. A policy holds one and adds what it chooses by.
///
/// Cost: update and note_pull O(1), without allocation. Memory: 29 bytes an arm.
class ArmMeans {
 public:
  /// `first_mean` is taken for an arm without rewards.
  ArmMeans(const Shape& shape, RewardDomain domain, double first_mean);

  /// Errors: unknown_arm, non_finite (the reward, or a number that would overflow), invalid_argument (weight
  /// < 0, reward outside the domain). Nothing is changed then.
  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;
  /// Errors: unknown_arm; full at 2^32 - 1 pending pulls of one arm.
  Errc note_pull(ArmIndex arm) noexcept;
  /// Errors: unknown_arm; invalid_argument when nothing is pending.
  Errc note_lost(ArmIndex arm) noexcept;

  [[nodiscard]] std::size_t count() const noexcept { return arms_.count(); }
  [[nodiscard]] const ArmSet& arms() const noexcept { return arms_; }
  /// Errors: full.
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return arms_.set_enabled(arm, on); }
  /// Errors: unknown_arm.
  Errc reset_arm(ArmIndex arm) noexcept;
  /// Errors: unknown_arm, non_finite, invalid_argument (weight < 0, mean outside the domain).
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior);
  /// See Forgets. Errors: unknown_arm, invalid_argument.
  Errc forget(ArmIndex arm, double keep) noexcept;
  /// NaN for an unknown arm or one without rewards.
  [[nodiscard]] double expectation(ArmIndex arm) const noexcept;
  /// Errors: dimension_mismatch, non_finite, as for Bandit.
  [[nodiscard]] Errc check(const Context& context) const noexcept;

  // Of a slot below count().
  [[nodiscard]] double mean(std::size_t arm) const noexcept { return mean_[arm]; }
  /// Of the rewards seen.
  [[nodiscard]] double weight(std::size_t arm) const noexcept { return weight_[arm]; }
  /// n(a): the weight and the pending pulls.
  [[nodiscard]] double counted(std::size_t arm) const noexcept { return weight_[arm] + pending_[arm]; }
  /// Mean square of the rewards' distance from their mean; 0 without rewards.
  [[nodiscard]] double variance(std::size_t arm) const noexcept {
    return weight_[arm] > 0.0 ? squares_[arm] / weight_[arm] : 0.0;
  }
  [[nodiscard]] std::uint32_t pending(std::size_t arm) const noexcept { return pending_[arm]; }

  /// t: n(a) summed over all arms.
  [[nodiscard]] double total() const noexcept { return total_weight_ + static_cast<double>(pending_total_); }
  [[nodiscard]] std::uint64_t pending_total() const noexcept { return pending_total_; }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// False, and nothing changed, where what is read cannot be a state; `problem` says why, in a sentence.
  [[nodiscard]] bool load(Reader& reader, const char*& problem);
  bool operator==(const ArmMeans&) const = default;

 private:
  [[nodiscard]] bool in_domain(double reward) const noexcept;
  [[nodiscard]] Errc learn(std::size_t arm, double reward, double weight) noexcept;
  void clear(std::size_t arm) noexcept;

  RewardDomain domain_;
  bool sparse_;
  std::size_t features_;
  double first_mean_;
  ArmSet arms_;
  std::vector<double> mean_;  // first_mean_ where weight_ is 0
  std::vector<double> weight_;
  std::vector<double> squares_;  // weighted sum of (reward - mean)^2
  std::vector<std::uint32_t> pending_;
  double total_weight_ = 0.0;
  std::uint64_t pending_total_ = 0;  // derived
  std::uint64_t updates_ = 0;
};

}  // namespace attune
