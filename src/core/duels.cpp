// SPDX-License-Identifier: Apache-2.0
#include <attune/core/duels.hpp>

#include <cmath>

namespace attune {

Errc check_duel_feedback(const DuelFeedback& feedback, std::size_t arm_count) noexcept {
  if (to_index(feedback.winner) >= arm_count || to_index(feedback.loser) >= arm_count) {
    return Errc::unknown_arm;
  }
  if (!std::isfinite(feedback.weight)) {
    return Errc::non_finite;
  }
  const bool sound =
      feedback.winner != feedback.loser && feedback.weight >= 0.0 && feedback.weight <= kMaxDuelWeight;
  return sound ? Errc::ok : Errc::invalid_argument;
}

}  // namespace attune
