// SPDX-License-Identifier: Apache-2.0
#include "engine/policy_ops.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <attune/core/shown_arm.hpp>

namespace attune {
namespace {

/// Policies that know arms, whatever their action is.
template <class P>
concept KnowsArms = requires(P& policy, ArmIndex arm) { policy.set_enabled(arm, true); };

/// Calls `use(policy)` for each snapshot: their arms are those of the live policy at any time.
template <class Use>
void for_each_snapshot(SafetyView& safety, Use&& use) {
  for (std::optional<AnyPolicy>* kept : {&safety.good, &safety.candidate}) {
    if (*kept) {
      std::visit(
          [&](auto& policy) {
            if constexpr (KnowsArms<std::remove_cvref_t<decltype(policy)>>) {
              use(policy);
            }
          },
          **kept);
    }
  }
}

template <KnowsArms P>
Errc fill_slot(P& policy, ArmIndex slot, const ArmPrior& prior) {
  if (to_index(slot) < policy.arm_count()) {  // a slot that a removed arm left
    static_cast<void>(policy.reset_arm(slot));
    static_cast<void>(policy.set_enabled(slot, true));
  } else if (const Result<ArmIndex> added = policy.add_arm(); !added) {
    return added.error().code;
  }
  if constexpr (requires { policy.warm_start(slot, prior); }) {
    if (prior.weight > 0.0) {
      if (const Result<void> warm = policy.warm_start(slot, prior); !warm) {
        return warm.error().code;
      }
    }
  }
  return Errc::ok;
}

template <KnowsArms P>
Errc add_arm(PointState& state, P& policy, const PolicyOp& op) {
  const Result<ArmIndex> slot = state.arms.add(op.text, op.action);
  if (!slot) {
    return slot.error().code;
  }
  const std::size_t before = policy.arm_count();
  const Errc filled = fill_slot(policy, *slot, op.prior);
  if (filled != Errc::ok && to_index(*slot) >= before && policy.arm_count() == before) {
    static_cast<void>(state.arms.remove(*slot));
    return filled;
  }
  static_cast<void>(state.safety.set(*slot, Standing::sound));  // whatever was held against the arm before it
  for_each_snapshot(state.safety,
                    [&](auto& snapshot) { static_cast<void>(fill_slot(snapshot, *slot, op.prior)); });
  return filled;
}

template <KnowsArms P>
Errc set_standing(PointState& state, P& policy, const PolicyOp& op) {
  if (!state.arms.contains(op.arm)) {
    return Errc::unknown_arm;
  }
  const auto standing = static_cast<Standing>(op.number);
  static_cast<void>(state.safety.set(op.arm, standing));
  // Out or on probation, it is not for the policy to choose.
  const bool on = state.arms.enabled(op.arm) && standing == Standing::sound;
  for_each_snapshot(state.safety,
                    [&](auto& snapshot) { static_cast<void>(snapshot.set_enabled(op.arm, on)); });
  return policy.set_enabled(op.arm, on);
}

template <KnowsArms P>
Errc change_arm(PointState& state, P& policy, const PolicyOp& op) {
  const ArmIndex arm = op.text.empty() ? op.arm : state.arms.find(op.text);
  if (!state.arms.contains(arm)) {
    return Errc::unknown_arm;
  }
  const bool enabled = op.kind == PolicyOp::Kind::enable_arm;
  if (op.kind == PolicyOp::Kind::remove_arm) {
    static_cast<void>(state.arms.remove(arm));
    static_cast<void>(state.safety.set(arm, Standing::sound));
  } else {
    static_cast<void>(state.arms.set_enabled(arm, enabled));
  }
  const bool on = enabled && state.safety.of(arm) == Standing::sound;
  for_each_snapshot(state.safety, [&](auto& snapshot) { static_cast<void>(snapshot.set_enabled(arm, on)); });
  return policy.set_enabled(arm, on);
}

/// What drift watches do to what was learned.
template <KnowsArms P>
Errc unlearn(PointState& state, P& policy, const PolicyOp& op) {
  switch (op.kind) {
    case PolicyOp::Kind::reset_arm:
      return policy.reset_arm(op.arm);
    case PolicyOp::Kind::warm_arm:
      if constexpr (requires { policy.warm_start(op.arm, op.prior); }) {
        const Result<void> warm = policy.warm_start(op.arm, op.prior);
        return warm ? Errc::ok : warm.error().code;
      }
      return Errc::unsupported;
    case PolicyOp::Kind::discount:
      if constexpr (requires { policy.forget(op.arm, op.reward); }) {
        return policy.forget(op.arm, op.reward);
      }
      return Errc::unsupported;
    case PolicyOp::Kind::reset_policy: {
      P fresh = std::get<P>(*op.fresh);
      while (fresh.arm_count() < state.arms.slot_count()) {
        if (const Result<ArmIndex> added = fresh.add_arm(); !added) {
          return added.error().code;
        }
      }
      for (std::size_t slot = 0; slot < state.arms.slot_count(); ++slot) {
        const ArmIndex arm = to_arm(slot);
        const bool on = state.arms.enabled(arm) && state.safety.of(arm) == Standing::sound;
        static_cast<void>(fresh.set_enabled(arm, on));
      }
      policy = std::move(fresh);
      return Errc::ok;
    }
    default:
      return Errc::unsupported;
  }
}

/// Arms that come and go, whatever the action is.
template <KnowsArms P>
Errc keep_arms(PointState& state, P& policy, const PolicyOp& op) {
  switch (op.kind) {
    case PolicyOp::Kind::add_arm:
      return add_arm(state, policy, op);
    case PolicyOp::Kind::enable_arm:
    case PolicyOp::Kind::disable_arm:
    case PolicyOp::Kind::remove_arm:
      return change_arm(state, policy, op);
    default:
      return Errc::unsupported;
  }
}

/// The same where the action is one arm, which guards and drift watches know.
template <KnowsArms P>
Errc keep_arm(PointState& state, P& policy, const PolicyOp& op) {
  switch (op.kind) {
    case PolicyOp::Kind::set_standing:
      return set_standing(state, policy, op);
    case PolicyOp::Kind::reset_arm:
    case PolicyOp::Kind::warm_arm:
    case PolicyOp::Kind::discount:
    case PolicyOp::Kind::reset_policy:
      return unlearn(state, policy, op);
    default:
      return keep_arms(state, policy, op);
  }
}

void note_shown(PointState& state, std::span<const double> values) noexcept {
  for (const double value : values) {
    const ShownArm shown = ShownArm::of(value);
    if (state.arms.holds(shown.arm, shown.generation)) {
      state.arms.note_selection(shown.arm);
    }
  }
}

/// The reward of a pair is 1 when the first was preferred, 0 when the second was, 0.5 when neither was.
Errc learn_pair(AnyDuelingBandit& bandit, const PolicyOp& op) noexcept {
  const bool told = op.reward == 0.0 || op.reward == 0.5 || op.reward == 1.0;
  if (op.values.size() != 2 || !told) {
    return Errc::invalid_argument;
  }
  const ArmIndex first = ShownArm::of(op.values[0]).arm;
  const ArmIndex second = ShownArm::of(op.values[1]).arm;
  return bandit.update({.winner = op.reward == 0.0 ? second : first,
                        .loser = op.reward == 0.0 ? first : second,
                        .tie = op.reward == 0.5,
                        .input = op.input});
}

Errc learn_list(AnySlateBandit& bandit, const PolicyOp& op) noexcept {
  std::array<ArmIndex, kMaxSlate> shown{};
  if (op.values.size() > shown.size()) {
    return Errc::invalid_argument;
  }
  std::ranges::transform(op.values, shown.begin(), [](double value) { return ShownArm::of(value).arm; });
  return bandit.update({.shown = std::span(shown).first(op.values.size()),
                        .signal = static_cast<SlateSignal>(op.number),
                        .rewards = op.items,
                        .click = op.reward >= 0.0 && op.reward < static_cast<double>(kMaxSlate)
                                     ? static_cast<std::size_t>(op.reward)
                                     : kNoClick,
                        .reward = op.reward,
                        .input = op.input});
}

Feedback feedback_of(const PolicyOp& op) noexcept {
  return {.arm = op.arm,
          .reward = op.reward,
          .input = op.input,
          .action = op.action,
          .weight = 1.0,
          .announced = op.announced,
          .sequence = op.trial,
          .propensity = op.propensity};
}

struct Applier {
  PointState& state;
  const PolicyOp& op;

  Errc operator()(AnyBandit& bandit) const {
    switch (op.kind) {
      case PolicyOp::Kind::pull:
        state.arms.note_selection(op.arm);
        return bandit.note_pull(op.arm);
      case PolicyOp::Kind::learn: {
        const Errc verdict = bandit.update(feedback_of(op));
        // A refused reward still ends the wait for it.
        return verdict == Errc::ok || !op.announced ? verdict
                                                    : (static_cast<void>(bandit.note_lost(op.arm)), verdict);
      }
      case PolicyOp::Kind::lost:
        return bandit.note_lost(op.arm);
      default:
        return keep_arm(state, bandit, op);
    }
  }

  Errc operator()(AnyAgent& agent) const {
    switch (op.kind) {
      case PolicyOp::Kind::pull:
        state.arms.note_selection(op.arm);
        return Errc::ok;
      case PolicyOp::Kind::lost:
        return Errc::ok;
      case PolicyOp::Kind::experience:
        return agent.update(op.input, op.arm, op.reward, op.next, op.terminal, op.truncated);
      default:
        return keep_arm(state, agent, op);
    }
  }

  /// Pairs and lists.
  template <class P, class Learn>
  Errc show(P& bandit, const Learn& learn) const {
    switch (op.kind) {
      case PolicyOp::Kind::pull:
        note_shown(state, op.values);
        return Errc::ok;
      case PolicyOp::Kind::learn:
        return learn(bandit, op);
      default:
        return keep_arms(state, bandit, op);
    }
  }
  Errc operator()(AnyDuelingBandit& bandit) const { return show(bandit, learn_pair); }
  Errc operator()(AnySlateBandit& bandit) const { return show(bandit, learn_list); }

  Errc operator()(AnyContinuousBandit& bandit) const {
    return op.kind == PolicyOp::Kind::learn
               ? bandit.update({.action = op.values, .reward = op.reward, .input = op.input})
               : Errc::unsupported;
  }

  Errc operator()(AnyOptimizer& optimizer) const {
    switch (op.kind) {
      case PolicyOp::Kind::begin:
        return optimizer.begin(Trial{.id = op.trial, .values = {op.values.begin(), op.values.end()}});
      case PolicyOp::Kind::tell:
        return optimizer.tell(op.trial, op.reward);
      case PolicyOp::Kind::forget:
        return optimizer.forget(op.trial);
      default:
        return Errc::unsupported;
    }
  }
};

}  // namespace

ActionKind action_kind(const AnyPolicy& policy) noexcept {
  return std::holds_alternative<AnyOptimizer>(policy)          ? ActionKind::parameters
         : std::holds_alternative<AnyContinuousBandit>(policy) ? ActionKind::numbers
         : std::holds_alternative<AnyDuelingBandit>(policy)    ? ActionKind::pair
         : std::holds_alternative<AnySlateBandit>(policy)      ? ActionKind::list
                                                               : ActionKind::arm;
}

// Only an optimizer takes memory here; without it the fold cannot go on and the process ends, as everywhere.
// NOLINTNEXTLINE(bugprone-exception-escape)
Errc apply(PointState& state, const PolicyOp& op) noexcept {
  ++state.version;
  if (op.kind == PolicyOp::Kind::set_mode) {
    state.safety.mode = op.number;
    return Errc::ok;
  }
  if (op.kind == PolicyOp::Kind::set_boost) {
    state.safety.boost = op.reward;
    return Errc::ok;
  }
  if (op.kind == PolicyOp::Kind::learn_context) {
    if (state.safety.contexts) {
      (void)state.safety.contexts->update(op.input.dense);
    }
    return Errc::ok;
  }
  if (op.kind == PolicyOp::Kind::restore_snapshot) {
    if (!state.safety.good) {
      return Errc::unsupported;
    }
    state.policy = *state.safety.good;
    return Errc::ok;
  }
  if (op.kind == PolicyOp::Kind::keep_snapshot) {
    if (op.number != 0) {
      state.safety.good = std::move(state.safety.candidate);
    }
    state.safety.candidate = state.policy;
    return Errc::ok;
  }
  return std::visit(Applier{state, op}, state.policy);
}

}  // namespace attune
