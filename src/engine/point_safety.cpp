// SPDX-License-Identifier: Apache-2.0
#include "engine/point_safety.hpp"

#include <algorithm>
#include <utility>

namespace attune {

PointSafety::PointSafety(const SafetyConfig* rules)
    : rules_(rules), watches_(rules == nullptr ? 0 : rules->guards.size()) {}

GuardCell& PointSafety::cell(std::size_t guard, ArmIndex arm) {
  const std::size_t at = rules_->guards[guard].per == GuardScope::point ? 0 : to_index(arm);
  std::vector<GuardCell>& cells = watches_[guard].cells;
  if (at >= cells.size()) {
    cells.resize(at + 1);
  }
  return cells[at];
}

// -------------------------------------------------------------------------------------------------- records

PointSafety::Ops PointSafety::decided(const DecisionRecord& record, const PointState& state) {
  begin(record.header.time);
  ++rungs_[static_cast<std::size_t>(record.rung)];
  ++reasons_[static_cast<std::size_t>(record.reason)];
  if (rules_ == nullptr) {
    return {};
  }
  pass_all();
  if (state.arms.contains(record.arm)) {
    for (std::size_t i = 0; i < rules_->guards.size(); ++i) {
      if (rules_->guards[i].kind == GuardKind::share) {
        count_share(i, record.arm, state.arms);
      }
    }
    const bool by_switch = record.reason == ChoiceReason::killed;
    if ((rules_->exploration.watched() || rules_->exploration.conservative) && !by_switch) {
      const bool greedy = (record.header.flags & DecisionRecord::kGreedy) != 0;
      exploration_.decided(rules_->exploration, record.arm, !greedy && record.rung == Rung::policy);
    }
    const bool tests_policy = record.rung == Rung::policy && record.reason == ChoiceReason::probation &&
                              state.safety.of(record.arm) == Standing::sound;
    if (tests_policy) {
      note_live(record.sequence);
    }
  }
  keep_snapshot();
  return finish(state);
}

PointSafety::Ops PointSafety::observed(const OutcomeRecord& record, const Observed& what,
                                       const PointState& state) {
  begin(record.header.time);
  pass_all();
  for (std::uint32_t i = 0; i < record.component_count; ++i) {
    if ((what.joined >> i & 1U) == 0) {
      continue;
    }
    for (std::size_t guard = 0; guard < rules_->guards.size(); ++guard) {
      if (rules_->guards[guard].component == record.components[i].name) {
        sample(guard, what, record.components[i].value);
      }
    }
  }
  return finish(state);
}

PointSafety::Ops PointSafety::rewarded(ArmIndex arm, double reward, const PointState& state) {
  begin(time_);
  exploration_.rewarded(*rules_->exploration.conservative, arm, reward);
  return finish(state);
}

PointSafety::Ops PointSafety::passed(Nanos time, const PointState& state) {
  if (rules_ == nullptr) {
    return {};
  }
  begin(time);
  pass_all();
  return finish(state);
}

void PointSafety::switched(const EventRecord& record) {
  Switch& one = record.kind == EventKind::killed ? killed_ : frozen_;
  touched_ = true;
  news_ = true;
  one = {.on = record.number != 0, .since = record.header.time, .by = std::string(record.text)};
}

void PointSafety::arm_changed(ArmIndex arm) {
  news_ = news_ || !watches_.empty();
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    if (rules_->guards[i].per == GuardScope::arm && to_index(arm) < watches_[i].cells.size()) {
      GuardCell& one = watches_[i].cells[to_index(arm)];
      watches_[i].out -=
          rules_->guards[i].kind == GuardKind::share && one.state() == GuardState::tripped ? 1U : 0U;
      one = GuardCell();
    }
  }
  exploration_.forget(arm);
}

// --------------------------------------------------------------------------------------------------- guards

void PointSafety::sample(std::size_t guard, const Observed& what, double value) {
  const GuardConfig& rules = rules_->guards[guard];
  if (rules.per == GuardScope::arm && what.arm == kNoArm) {
    return;
  }
  if (rules.per == GuardScope::point && rules.kind != GuardKind::budget) {
    // The live policy is judged by its own decisions: not by those that something else answered meanwhile.
    const GuardState state =
        watches_[guard].cells.empty() ? GuardState::quiet : watches_[guard].cells[0].state();
    if (killed_.on ||
        (state == GuardState::probation && std::ranges::find(live_, what.sequence) == live_.end())) {
      return;
    }
  }
  if (cell(guard, what.arm).add(rules, value, what.decided, time_)) {
    changed_ = true;
    touched_arms_.push_back(what.arm);
  }
}

void PointSafety::count_share(std::size_t guard, ArmIndex arm, const ArmTable& arms) {
  const GuardConfig& rules = rules_->guards[guard];
  Watch& watch = watches_[guard];
  for (int turns = watch.total.due_turns(rules, time_); turns > 0; --turns) {
    watch.total.turn();
    for (GuardCell& one : watch.cells) {
      one.turn();
    }
  }
  watch.total.count();
  cell(guard, arm).count();
  if (watch.total.samples() < rules.min_samples) {
    return;
  }
  // Only the chosen arm's share has grown; those that are out wait for theirs to shrink.
  const bool some_out = watch.out > 0;
  for (std::size_t slot = some_out ? 0 : to_index(arm);
       slot < (some_out ? watch.cells.size() : to_index(arm) + 1); ++slot) {
    GuardCell& one = watch.cells[slot];
    const double share = static_cast<double>(one.samples()) / static_cast<double>(watch.total.samples());
    const bool out = one.state() == GuardState::tripped;
    const bool trips = !out && slot == to_index(arm) && share > rules.limit;
    if (trips || (out && share <= rules.recover) || (out && !arms.contains(to_arm(slot)))) {
      one.set_tripped(trips, share, time_);
      watch.out += trips ? 1U : 0U;
      watch.out -= trips ? 0U : 1U;
      changed_ = true;
      touched_arms_.push_back(to_arm(slot));
    }
  }
}

void PointSafety::note_live(std::uint64_t sequence) {
  if (live_.size() >= kMostLive) {
    live_.erase(live_.begin(), live_.begin() + static_cast<std::ptrdiff_t>(kMostLive / 2));
  }
  live_.push_back(sequence);
}

void PointSafety::pass_all() {
  if (time_ < deadline_) {
    return;
  }
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    for (std::size_t at = 0; at < watches_[i].cells.size(); ++at) {
      if (watches_[i].cells[at].pass(rules_->guards[i], time_)) {
        changed_ = true;
        touched_arms_.push_back(to_arm(at));
      }
    }
  }
  changed_ = true;  // the next deadline is another one
}

bool PointSafety::all_quiet() const noexcept {
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    const bool acts =
        rules_->guards[i].action != GuardAction::watch && rules_->guards[i].kind != GuardKind::share;
    if (acts && std::ranges::any_of(watches_[i].cells,
                                    [](const GuardCell& one) { return one.state() != GuardState::quiet; })) {
      return false;
    }
  }
  return !killed_.on;
}

void PointSafety::keep_snapshot() {
  if (rules_->snapshot_every == 0 || ++since_snapshot_ < rules_->snapshot_every) {
    return;
  }
  since_snapshot_ = 0;
  if (!all_quiet()) {
    candidate_is_doubtful_ = true;
    return;
  }
  ops_.push_back({.kind = PolicyOp::Kind::keep_snapshot, .number = candidate_is_doubtful_ ? 0U : 1U});
  candidate_is_doubtful_ = false;
}

// ---------------------------------------------------------------------------------------------------- views

Standing PointSafety::standing(ArmIndex arm) const noexcept {
  Standing worst = Standing::sound;
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    if (rules_->guards[i].action != GuardAction::mask || to_index(arm) >= watches_[i].cells.size()) {
      continue;
    }
    switch (watches_[i].cells[to_index(arm)].state()) {
      case GuardState::quiet:
        break;
      case GuardState::probation:
        worst = std::max(worst, Standing::probation);
        break;
      case GuardState::tripped:
        worst = Standing::out;
        break;
    }
  }
  return worst;
}

std::uint32_t PointSafety::mode(const PointState& state) const noexcept {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    const GuardConfig& rules = rules_->guards[i];
    if (rules.per != GuardScope::point || rules.action == GuardAction::watch || watches_[i].cells.empty() ||
        watches_[i].cells[0].state() == GuardState::quiet) {
      continue;
    }
    const bool tripped = watches_[i].cells[0].state() == GuardState::tripped;
    out |= tripped ? SafetyView::kPolicyOut : SafetyView::kPolicyProbation;
    out |= rules.action == GuardAction::allocation ? SafetyView::kToAllocation : 0U;
  }
  if ((out & SafetyView::kPolicyOut) != 0) {
    out &= ~static_cast<std::uint32_t>(SafetyView::kPolicyProbation);
  }
  const ExplorationConfig& exploration = rules_->exploration;
  out |= exploration.max_share < 1.0 && exploration_.capped(exploration) ? SafetyView::kGreedyOnly : 0U;
  if (exploration.conservative) {
    const ArmIndex baseline = state.arms.find(exploration.conservative->baseline);
    const bool keeps_to_it =
        baseline != kNoArm && !exploration_.affordable(*exploration.conservative, baseline);
    out |= keeps_to_it ? SafetyView::kBaselineOnly : 0U;
  }
  return out;
}

void PointSafety::settle_deadline() noexcept {
  deadline_ = GuardCell::kNever;
  for (const Watch& watch : watches_) {
    for (const GuardCell& one : watch.cells) {
      deadline_ = std::min(deadline_, one.deadline());
    }
  }
}

bool PointSafety::restores() const noexcept {
  return restored_ > 0 || (rules_ != nullptr && std::ranges::any_of(rules_->guards, &GuardConfig::restore));
}

bool PointSafety::wants_restore() const noexcept {
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    if (rules_->guards[i].restore && !watches_[i].cells.empty() &&
        watches_[i].cells[0].state() == GuardState::tripped) {
      return true;
    }
  }
  return false;
}

PointSafety::Ops PointSafety::finish(const PointState& state) {
  if (rules_->exploration.alarm_below > 0.0) {
    const bool alarm = exploration_.share(rules_->exploration) < rules_->exploration.alarm_below;
    news_ = news_ || alarm != alarmed_;
    alarmed_ = alarm;
  }
  if (changed_) {
    news_ = true;
    candidate_is_doubtful_ = candidate_is_doubtful_ || !all_quiet();
    for (const ArmIndex arm : touched_arms_) {
      if (state.arms.contains(arm) && standing(arm) != state.safety.of(arm)) {
        ops_.push_back({.kind = PolicyOp::Kind::set_standing,
                        .arm = arm,
                        .number = static_cast<std::uint32_t>(standing(arm))});
      }
    }
    touched_arms_.clear();
    settle_deadline();
  }
  if (const std::uint32_t now = mode(state); now != state.safety.mode) {
    if ((now & SafetyView::kPolicyProbation) == 0) {
      live_.clear();
    }
    const bool goes_out = (now & ~state.safety.mode & SafetyView::kPolicyOut) != 0;
    if (goes_out && state.safety.good && !frozen_.on && wants_restore()) {
      ops_.push_back({.kind = PolicyOp::Kind::restore_snapshot});
      ++restored_;
    }
    ops_.push_back({.kind = PolicyOp::Kind::set_mode, .number = now});
  }
  return ops_;
}

}  // namespace attune
