// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the means that count by decisions, and not by their rewards, share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "policies/bandit/choosing.hpp"

namespace attune::detail {

/// The number of the decision that is answered.
[[nodiscard]] inline std::uint64_t sequence_of(const Feedback& feedback, std::uint64_t next) noexcept {
  return feedback.sequence == kNoSequence ? std::min(next, kNoSequence - 1) : feedback.sequence;
}

/// A reward in [0, 1] that can be added to sums of the weight `total`.
[[nodiscard]] inline Errc check_unit(const Feedback& feedback, const ArmSet& arms, double total) noexcept {
  if (const Errc verdict = check_feedback(feedback, arms); verdict != Errc::ok) {
    return verdict;
  }
  if (feedback.reward < 0.0 || feedback.reward > 1.0) {
    return Errc::invalid_argument;
  }
  // Sums of rewards in [0, 1] are no larger than those of their weights.
  return std::isfinite(total + feedback.weight) ? Errc::ok : Errc::non_finite;
}

}  // namespace attune::detail
