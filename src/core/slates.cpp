// SPDX-License-Identifier: Apache-2.0
#include <attune/core/slates.hpp>

#include <algorithm>
#include <cmath>

namespace attune {

Errc check_slate_feedback(const SlateFeedback& feedback, std::size_t arm_count) noexcept {
  const std::span<const ArmIndex> shown = feedback.shown;
  if (shown.empty() || shown.size() > kMaxSlate) {
    return Errc::invalid_argument;
  }
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (to_index(shown[i]) >= arm_count) {
      return Errc::unknown_arm;
    }
    if (std::ranges::find(shown.first(i), shown[i]) != shown.begin() + static_cast<std::ptrdiff_t>(i)) {
      return Errc::invalid_argument;
    }
  }
  switch (feedback.signal) {
    case SlateSignal::items:
      if (feedback.rewards.size() != shown.size()) {
        return Errc::dimension_mismatch;
      }
      if (!all_finite(feedback.rewards)) {
        return Errc::non_finite;
      }
      break;
    case SlateSignal::first_click:
      if (feedback.click != kNoClick && feedback.click >= shown.size()) {
        return Errc::invalid_argument;
      }
      break;
    case SlateSignal::whole:
      if (!std::isfinite(feedback.reward)) {
        return Errc::non_finite;
      }
      break;
    default:
      return Errc::invalid_argument;
  }
  if (!std::isfinite(feedback.weight)) {
    return Errc::non_finite;
  }
  return feedback.weight >= 0.0 && feedback.weight <= kMaxSlateWeight ? Errc::ok : Errc::invalid_argument;
}

}  // namespace attune
