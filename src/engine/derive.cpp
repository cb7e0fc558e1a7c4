// SPDX-License-Identifier: Apache-2.0
#include "engine/derive.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <variant>

#include <attune/core/rng.hpp>
#include <attune/core/shown_arm.hpp>

#include "engine/choose.hpp"
#include "engine/choose_action.hpp"

namespace attune {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

template <class T>
void copy_into(std::vector<T>& to, std::span<const T> from) {
  to.assign(from.begin(), from.end());
}

[[nodiscard]] bool same_bits(double a, double b) noexcept {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

[[nodiscard]] Choice select(const AnyPolicy& policy, const Context& seen, Rng rng) noexcept {
  return std::holds_alternative<AnyBandit>(policy) ? std::get<AnyBandit>(policy).select(seen, rng)
                                                   : std::get<AnyAgent>(policy).select(seen, rng);
}

/// As propensities(), NaN where the policy does not choose.
[[nodiscard]] Propensities shares_of(const PointState& state, const Context& seen,
                                     const PropensityOptions& options) {
  Result<Propensities> found = std::holds_alternative<AnyBandit>(state.policy)
                                   ? propensities(std::get<AnyBandit>(state.policy), seen, options)
                                   : propensities(std::get<AnyAgent>(state.policy), seen, options);
  return found ? std::move(*found)
               : Propensities{.values = std::vector<double>(state.arms.slot_count(), kNan)};
}

/// The score of one arm: what select() maximises when there is nothing else to choose. NaN when two draws
/// give two scores: then it is drawn anew for each decision.
[[nodiscard]] double score_of(const PointState& state, const Input& input, ArmIndex arm) noexcept {
  const std::array<ArmIndex, 1> only{arm};
  const Context seen{.input = input, .actions = state.arms.features(), .offered = only};
  const Choice one = select(state.policy, seen, Rng(1, 2, 3));
  const Choice other = select(state.policy, seen, Rng(4, 5, 6));
  return one.arm == arm && same_bits(one.score, other.score) ? one.score : kNan;
}

void derive_arms(const PointState& state, const DecisionRecord& record, std::span<const double> shares,
                 Derivation& out) {
  const bool chooses_one = action_kind(state.policy) == ActionKind::arm;
  for (std::size_t slot = 0; slot < state.arms.slot_count(); ++slot) {
    const ArmIndex arm = to_arm(slot);
    if (!state.arms.contains(arm)) {
      continue;
    }
    const bool offered =
        record.offered.empty() || std::ranges::find(record.offered, arm) != record.offered.end();
    const bool enabled = state.arms.enabled(arm);
    out.arms.push_back(
        {.arm = arm,
         .id = std::string(state.arms.id(arm)),
         .enabled = enabled,
         .offered = offered,
         .score = enabled && offered && chooses_one ? score_of(state, record.input, arm) : kNan,
         .probability = enabled && offered ? shares[slot] : 0.0});
  }
}

void derive_parameters(const AnyOptimizer& optimizer, const DecisionRecord& record, Derivation& out) {
  Rng rng(out.seed, out.stream, record.sequence);
  const bool killed = record.reason == ChoiceReason::killed;
  out.rung = killed ? Rung::fallback : Rung::policy;
  Result<std::vector<double>> proposal = killed ? optimizer.best().values : optimizer.ask(rng);
  out.propensity = kNan;
  if (!proposal) {
    out.differences.push_back("the optimizer proposes nothing: " + proposal.error().message);
    return;
  }
  out.parameters = std::move(*proposal);
  if (!std::ranges::equal(out.parameters, record.values, same_bits)) {
    out.differences.emplace_back("the record has other parameters");
  }
}

/// What a point answers that chooses neither one arm nor parameters.
void derive_action(const Point& point, const PointState& state, const DecisionRecord& record,
                   Derivation& out) {
  const Question question{.state = state,
                          .config = point.config(),
                          .key = {.seed = out.seed, .stream = out.stream, .sequence = record.sequence},
                          .input = record.input,
                          .offered = record.offered,
                          .eligible = count_eligible(state.arms, record.offered),
                          .killed = record.reason == ChoiceReason::killed};
  if (question.eligible == 0 && point.has_arms()) {
    out.differences.emplace_back("no arm can be chosen in that state");
    return;
  }
  Answer answer;
  choose_action(question, out.parameters, answer);
  const bool same = std::ranges::equal(out.parameters, record.values, same_bits);
  if (!same) {
    out.differences.emplace_back("the record has another action");
  }
  out.rung = answer.rung;
  out.reason = answer.reason;
  out.arm = answer.choice.arm;
  out.propensity = answer.choice.propensity;
  out.greedy = answer.choice.greedy;
  if (shows_arms(point.action())) {
    for (const double value : out.parameters) {
      out.shown.emplace_back(state.arms.id(ShownArm::of(value).arm));
    }
    out.parameters.clear();
    out.arm_id = out.shown.front();
    const std::vector<double> unknown(state.arms.slot_count(), kNan);
    derive_arms(state, record, unknown, out);
  }
}

void derive_choice(const Point& point, const PointState& state, const DecisionRecord& record,
                   const PropensityOptions& options, Derivation& out) {
  const Context seen{.input = record.input, .actions = state.arms.features(), .offered = record.offered};
  const Propensities shares = shares_of(state, seen, options);
  out.method = shares.method;
  out.probability_error = shares.error;
  derive_arms(state, record, shares.values, out);
  const std::size_t eligible = count_eligible(state.arms, record.offered);
  if (eligible == 0) {
    out.differences.emplace_back("no arm can be chosen in that state");
    return;
  }
  std::vector<double> room;
  Answer answer;
  // The kill switch acts before its record is folded: the decision itself says whether it was on.
  const Question question{.state = state,
                          .config = point.config(),
                          .key = {.seed = out.seed, .stream = out.stream, .sequence = record.sequence},
                          .input = record.input,
                          .offered = record.offered,
                          .eligible = eligible,
                          .killed = record.reason == ChoiceReason::killed};
  if (const Errc chosen = choose_arm(question, room, answer); chosen != Errc::ok) {
    out.differences.push_back("the policy refuses the context: " + std::string(to_string(chosen)));
    return;
  }
  if (question.killed || point.config().safety) {
    Question told = question;  // the choice itself is made as decide() made it: without what was found since
    told.live_shares = shares.values;
    for (DerivedArm& arm : out.arms) {
      arm.probability = arm.enabled && arm.offered ? answer_probability(told, arm.arm, room) : 0.0;
    }
  }
  const Choice& choice = answer.choice;
  out.rung = answer.rung;
  out.reason = answer.reason;
  out.arm = choice.arm;
  out.arm_id = std::string(state.arms.id(choice.arm));
  out.propensity = choice.propensity;
  out.score = choice.score;
  out.greedy = choice.greedy;
}

void compare(const DecisionRecord& record, Derivation& out) {
  const auto note = [&](bool same, std::string_view what, const std::string& derived,
                        const std::string& stored) {
    if (!same) {
      out.differences.push_back(std::string(what) + " is " + derived + ", the record has " + stored);
    }
  };
  const bool greedy = (record.header.flags & DecisionRecord::kGreedy) != 0;
  note(out.arm == record.arm, "the arm's slot", std::to_string(to_index(out.arm)),
       std::to_string(to_index(record.arm)));
  note(same_bits(out.propensity, record.propensity), "the propensity", std::to_string(out.propensity),
       std::to_string(record.propensity));
  note(same_bits(out.score, record.score), "the score", std::to_string(out.score),
       std::to_string(record.score));
  note(out.rung == record.rung, "the rung", std::string(to_string(out.rung)),
       std::string(to_string(record.rung)));
  note(out.reason == record.reason, "the reason", std::string(to_string(out.reason)),
       std::string(to_string(record.reason)));
  note(out.greedy == greedy, "greedy", out.greedy ? "true" : "false", greedy ? "true" : "false");
}

}  // namespace

Derivation derive_decision(const Point& point, std::uint64_t seed, std::uint64_t state_position,
                           const DecisionRecord& record, const PropensityOptions& options) {
  const PointState& state = point.learned();
  Derivation out;
  out.position = record.header.position;
  out.point = point.config().name;
  out.policy = point.policy_name();
  out.sequence = record.sequence;
  out.version = record.version;
  out.state_position = state_position;
  copy_into(out.dense, record.input.dense);
  copy_into(out.sparse_index, record.input.sparse.index);
  copy_into(out.sparse_value, record.input.sparse.value);
  out.seed = seed;
  out.stream = point.stream();
  Rng draws(seed, out.stream, record.sequence);
  for (std::uint64_t& draw : out.draws) {
    draw = draws();
  }
  if (state.version != record.version) {
    out.differences.push_back("the state has version " + std::to_string(state.version) +
                              ", the decision was made with " + std::to_string(record.version));
  }
  if (const auto* optimizer = std::get_if<AnyOptimizer>(&state.policy)) {
    out.reason = record.reason;
    derive_parameters(*optimizer, record, out);
  } else if (point.action() != ActionKind::arm) {
    derive_action(point, state, record, out);
  } else {
    derive_choice(point, state, record, options, out);
  }
  compare(record, out);
  return out;
}

}  // namespace attune
