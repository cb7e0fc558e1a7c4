// SPDX-License-Identifier: Apache-2.0
/// @file
/// DuelTable: who won how often against whom.
#pragma once

#include <cstddef>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/duels.hpp>

namespace attune {

/// Wins of each arm against each other one, by weight; a tie is half a win for both. Memory: 8 bytes a pair.
class DuelTable {
 public:
  explicit DuelTable(std::size_t arms) : arms_(arms), wins_(arms * arms, 0.0) {}

  [[nodiscard]] const ArmSet& arms() const noexcept { return arms_; }
  [[nodiscard]] ArmSet& arms() noexcept { return arms_; }
  [[nodiscard]] double wins(std::size_t arm, std::size_t against) const noexcept {
    return wins_[arm * arms_.count() + against];
  }
  [[nodiscard]] double compared(std::size_t arm, std::size_t with) const noexcept {
    return wins(arm, with) + wins(with, arm);
  }
  /// Share of wins; 1/2 where the two were never compared.
  [[nodiscard]] double share(std::size_t arm, std::size_t against) const noexcept {
    const double both = compared(arm, against);
    return both > 0.0 ? wins(arm, against) / both : 0.5;
  }
  /// All comparisons.
  [[nodiscard]] double total() const noexcept { return total_; }
  /// The arm that is thought best, kept by rules that need it; kNoArm: none.
  [[nodiscard]] ArmIndex favourite() const noexcept { return favourite_; }
  void set_favourite(ArmIndex arm) noexcept { favourite_ = arm; }
  /// The enabled arm that beats most enabled arms; of several the one of the largest mean share.
  [[nodiscard]] ArmIndex best() const noexcept;

  /// False, and nothing changed, where a sum would overflow.
  [[nodiscard]] bool learn(const DuelFeedback& feedback) noexcept;
  [[nodiscard]] Result<ArmIndex> add();
  void reset(std::size_t arm) noexcept;

  void save(Writer& writer) const;
  /// False, and nothing changed, where what is read cannot be a table of at most `most` arms.
  [[nodiscard]] bool load(Reader& reader, std::size_t most);
  /// A row an arm: enabled, comparisons, mean share against those it was compared with, how many it beats.
  void describe(Description& text) const;
  bool operator==(const DuelTable&) const = default;

 private:
  ArmSet arms_;
  std::vector<double> wins_;
  double total_ = 0.0;
  ArmIndex favourite_ = kNoArm;
};

}  // namespace attune
