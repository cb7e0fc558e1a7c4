// SPDX-License-Identifier: Apache-2.0
#include "engine/choose.hpp"

#include <variant>

#include <attune/core/rng.hpp>

#include "engine/ladder.hpp"

namespace attune {

std::size_t count_eligible(const ArmTable& arms, std::span<const ArmIndex> offered) noexcept {
  if (offered.empty()) {
    return arms.enabled_count();
  }
  std::size_t count = 0;
  for (const ArmIndex arm : offered) {
    count += arms.enabled(arm) ? 1 : 0;
  }
  return count;
}

Errc choose_arm(const Question& question, std::vector<double>& room, Answer& answer) noexcept {
  const Ladder ladder(question, room);
  if (question.killed) {
    answer = ladder.below(ChoiceReason::killed);
    return Errc::ok;
  }
  return question.config.safety ? ladder.guarded(answer) : ladder.live(answer);
}

double answer_probability(const Question& question, ArmIndex arm, std::vector<double>& room) noexcept {
  const Ladder ladder(question, room);
  if (question.killed) {
    return ladder.below_probability(arm);
  }
  return question.config.safety ? ladder.guarded_probability(arm) : ladder.live_probability(arm);
}

}  // namespace attune
