// SPDX-License-Identifier: Apache-2.0
// Answers that are more than one arm, as records and callers have them.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/shown_arm.hpp>

#include "engine/choose.hpp"
#include "engine/engine_impl.hpp"
#include "engine/scratch.hpp"
#include "engine/shown_names.hpp"

namespace attune {

void Engine::Impl::note_action(ActionKind kind, const ArmTable& arms, const Answer& answer,
                               DecisionRecord& record, Scratch& mine, Decision& out) noexcept {
  record.rung = answer.rung;
  record.reason = answer.reason;
  record.arm = answer.choice.arm;
  record.arm_generation = shows_arms(kind) ? arms.generation(answer.choice.arm) : std::uint16_t{0};
  record.propensity = answer.choice.propensity;
  record.offered = mine.offered;
  record.values = mine.values;
  out.greedy = answer.choice.greedy;
  out.arm.assign(arms.id(answer.choice.arm));
  out.parameters.clear();
  out.shown.clear();
  if (shows_arms(kind)) {
    static_cast<void>(name_shown(arms, mine.values, mine.names));
    split_shown(mine.names, out.shown);
  } else {
    out.parameters.assign(mine.values.begin(), mine.values.end());
  }
}

Result<std::vector<std::string>> Engine::Impl::shown(const Uuid& decision) const {
  const std::uint32_t number = ids.point(decision);
  const PendingDecision* held = number < points.size() ? points[number]->collector().held(decision) : nullptr;
  if (held == nullptr) {
    return fail(Errc::unknown_decision, "no decision of this id waits for an outcome (any more)");
  }
  const Point& point = *points[number];
  std::vector<std::string> ids_shown;
  for (const double value :
       shows_arms(point.action()) ? std::span<const double>(held->values) : std::span<const double>()) {
    const ShownArm shown = ShownArm::of(value);
    const bool there = point.learned().arms.holds(shown.arm, shown.generation);
    ids_shown.emplace_back(there ? point.learned().arms.id(shown.arm) : std::string_view());
  }
  return ids_shown;
}

}  // namespace attune
