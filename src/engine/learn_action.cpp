// SPDX-License-Identifier: Apache-2.0
// What a point learns of an action that is more than one arm.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <attune/core/shown_arm.hpp>
#include <attune/core/slates.hpp>

#include "engine/point.hpp"

namespace attune {

void Point::parts(std::span<const double> terms) noexcept {
  if (action_ == ActionKind::list) {
    std::copy_n(terms.begin(), std::min(terms.size(), items_.size()), items_.begin());
  }
}

bool Point::is_there(double shown, std::uint64_t position) const noexcept {
  const ShownArm arm = ShownArm::of(shown);
  return learned().arms.holds(arm.arm, arm.generation) && is_same_arm(arm.arm, position);
}

void Point::learn_action(const PendingDecision& decision, double reward) noexcept {
  const PolicyOp op{.kind = PolicyOp::Kind::learn,
                    .reward = reward,
                    .propensity = decision.propensity,
                    .trial = decision.sequence,
                    .input = decision.input(),
                    .values = decision.values};
  if (action_ == ActionKind::pair) {
    learn_pair(decision, op);
  } else if (action_ == ActionKind::list) {
    learn_list(decision, op);
  } else {
    counters_.refused_rewards += perform(op) == Errc::ok ? 0 : 1;
  }
}

/// A comparison with an arm that has gone says nothing of the other.
void Point::learn_pair(const PendingDecision& decision, PolicyOp op) noexcept {
  if (decision.values.size() < 2) {
    return;  // one arm was shown alone: there was nothing to compare
  }
  const auto gone = [&](double shown) { return !is_there(shown, decision.position); };
  if (std::ranges::any_of(decision.values, gone)) {
    ++counters_.arm_gone;
    return;
  }
  counters_.refused_rewards += perform(op) == Errc::ok ? 0 : 1;
}

/// Of single items those that are still there are learned. One number for the whole list cannot be divided:
/// it is dropped as soon as one has gone.
void Point::learn_list(const PendingDecision& decision, PolicyOp op) noexcept {
  const SlateSignal signal = *config_.signal;
  const std::size_t shown = std::min(decision.values.size(), kMaxSlate);
  std::size_t looked_at = shown;
  std::size_t click = kNoClick;
  if (signal == SlateSignal::first_click && op.reward != -1.0) {
    click = op.reward >= 0.0 && op.reward < static_cast<double>(shown) ? static_cast<std::size_t>(op.reward)
                                                                       : shown;
    if (static_cast<double>(click) != op.reward || click == shown) {
      ++counters_.refused_rewards;  // no place of this list
      return;
    }
    looked_at = click + 1;
  }
  std::array<double, kMaxSlate> arms{};
  std::array<double, kMaxSlate> items{};
  std::size_t kept = 0;
  op.reward = signal == SlateSignal::first_click ? -1.0 : op.reward;
  for (std::size_t i = 0; i < looked_at; ++i) {
    if (!is_there(decision.values[i], decision.position)) {
      ++counters_.arm_gone;
      continue;
    }
    if (i == click) {
      op.reward = static_cast<double>(kept);
    }
    arms[kept] = decision.values[i];
    items[kept] = i < items_.size() ? items_[i] : 0.0;
    ++kept;
  }
  if (kept == 0 || (signal == SlateSignal::whole && kept < shown)) {
    return;
  }
  op.number = static_cast<std::uint32_t>(signal);
  op.values = std::span(arms).first(kept);
  op.items = signal == SlateSignal::items ? std::span(items).first(kept) : std::span<double>();
  counters_.refused_rewards += perform(op) == Errc::ok ? 0 : 1;
}

}  // namespace attune
