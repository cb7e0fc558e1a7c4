// SPDX-License-Identifier: Apache-2.0
#include "engine/ladder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>

namespace attune {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Draws of one decision that depend on nothing else: the policy's own are purpose 0.
constexpr std::uint32_t kBranchPurpose = 3;  // 1 and 2: ladder_below.cpp
constexpr std::uint32_t kForcedPurpose = 4;
constexpr std::uint32_t kSnapshotPurpose = 5;

[[nodiscard]] bool refuses_context(const Choice& choice) noexcept {
  // Only agents can still refuse a context: their states are a subset of the numbers.
  return choice.status == Errc::invalid_argument || choice.status == Errc::dimension_mismatch;
}

}  // namespace

Ladder::Ladder(const Question& question, std::vector<double>& room) noexcept
    : question_(question), arms_(question.state.arms), safety_(question.state.safety), room_(room) {}

// ------------------------------------------------------------------------------------------------- eligible

bool Ladder::offered(ArmIndex arm) const noexcept {
  return question_.offered.empty() || std::ranges::find(question_.offered, arm) != question_.offered.end();
}

bool Ladder::wants_trial(ArmIndex arm) const noexcept {
  return sound(arm) && arms_.selections(arm) < question_.config.safety->exploration.min_trials;
}

// -------------------------------------------------------------------------------------------------- policies

Choice Ladder::select(const AnyPolicy& policy, std::uint32_t purpose) const noexcept {
  Rng draws = rng(purpose);
  const Context seen{.input = question_.input, .actions = arms_.features(), .offered = question_.offered};
  return std::holds_alternative<AnyBandit>(policy) ? std::get<AnyBandit>(policy).select(seen, draws)
                                                   : std::get<AnyAgent>(policy).select(seen, draws);
}

double Ladder::policy_probability(const AnyPolicy& policy, ArmIndex arm) const noexcept {
  if (&policy == &question_.state.policy && !question_.live_shares.empty()) {
    return question_.live_shares[to_index(arm)];
  }
  const Context seen{.input = question_.input, .actions = arms_.features(), .offered = question_.offered};
  room_.resize(std::max(room_.size(), arms_.slot_count()));
  const std::span<double> shares = std::span(room_).first(arms_.slot_count());
  const Errc told = std::holds_alternative<AnyBandit>(policy)
                        ? std::get<AnyBandit>(policy).probabilities(seen, shares)
                        : std::get<AnyAgent>(policy).probabilities(seen, shares);
  return told == Errc::ok ? shares[to_index(arm)] : kNan;
}

Errc Ladder::live(Answer& answer) const noexcept {
  answer.choice = select(question_.state.policy, 0);
  answer.rung = Rung::policy;
  answer.reason = ChoiceReason::usual;
  if (refuses_context(answer.choice)) {
    return answer.choice.status;
  }
  if (!arms_.enabled(answer.choice.arm)) {
    answer = below(ChoiceReason::policy_failed);
  }
  return Errc::ok;
}

double Ladder::live_probability(ArmIndex arm) const noexcept {
  return policy_probability(question_.state.policy, arm);
}

// ------------------------------------------------------------------------------------------------- mixtures

ArmIndex Ladder::baseline() const noexcept {
  const ExplorationConfig& rules = question_.config.safety->exploration;
  return rules.conservative ? arms_.find(rules.conservative->baseline) : kNoArm;
}

Ladder::Mixture Ladder::mixture() const noexcept {
  const SafetyConfig& rules = *question_.config.safety;
  Mixture out;
  const auto is_sound = [this](ArmIndex arm) { return sound(arm); };
  const std::size_t good = safety_.held_back == 0 ? question_.eligible : count(is_sound);
  const bool explores = (safety_.mode & (SafetyView::kGreedyOnly | SafetyView::kBaselineOnly)) == 0;
  double left = 1.0;
  if (explores && safety_.held_back > 0 && count([this](ArmIndex arm) { return on_probation(arm); }) > 0) {
    out[Branch::probation] = rules.probation_share;
    left -= rules.probation_share;
  }
  if (good == 0) {
    out[Branch::below] = left;
    out.below_reason = ChoiceReason::no_sound_arm;
    return out;
  }
  if (rules.exploration.floored() && (safety_.mode & SafetyView::kBaselineOnly) == 0) {
    // Of all decisions, not of what probation leaves; with more arms than it can be paid for, in proportion.
    out[Branch::floors] = std::min(floor_sum(), left);
    left -= out[Branch::floors];
  }
  if ((safety_.mode & (SafetyView::kPolicyOut | SafetyView::kPolicyProbation)) != 0) {
    const double live =
        (safety_.mode & SafetyView::kPolicyProbation) != 0 ? left * rules.probation_share : 0.0;
    const bool kept = safety_.good && (safety_.mode & SafetyView::kToAllocation) == 0;
    out[Branch::policy] = live;
    out[kept ? Branch::snapshot : Branch::below] = left - live;
    out.below_reason = ChoiceReason::policy_tripped;
    return out;
  }
  if ((safety_.mode & SafetyView::kBaselineOnly) != 0 && sound(baseline()) && offered(baseline())) {
    out[Branch::baseline] = left;
    return out;
  }
  if ((safety_.mode & SafetyView::kGreedyOnly) != 0) {
    out[Branch::greedy] = left;
    return out;
  }
  if (rules.exploration.min_trials > 0 && explores &&
      count([this](ArmIndex arm) { return wants_trial(arm); }) > 0) {
    out[Branch::trial] = left * rules.exploration.trial_share;
    left -= out[Branch::trial];
  }
  if (explores && safety_.boost > 0.0) {
    out[Branch::boost] = left * safety_.boost;
    left -= out[Branch::boost];
  }
  out[Branch::policy] = left;
  return out;
}

Ladder::Branch Ladder::draw(const Mixture& mixture, double u) noexcept {
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < kBranches; ++i) {
    if (mixture.weight[i] <= 0.0) {
      continue;
    }
    chosen = i;
    u -= mixture.weight[i];
    if (u < 0.0) {
      break;
    }
  }
  return static_cast<Branch>(chosen);
}

bool Ladder::unfamiliar() const noexcept {
  const auto& watch = question_.config.screening.contexts;
  return watch && watch->action == ContextAction::fall_back && safety_.contexts &&
         safety_.contexts->score(question_.input.dense).is_anomaly;
}

Errc Ladder::guarded(Answer& answer) const noexcept {
  if (unfamiliar()) {
    answer = below(ChoiceReason::unfamiliar);
    return Errc::ok;
  }
  const Mixture branches = mixture();
  Branch branch = Branch::policy;
  if (branches[Branch::policy] < 1.0) {
    branch = draw(branches, rng(kBranchPurpose).uniform());
  }
  if (const Errc verdict = answer_branch(branch, branches, answer); verdict != Errc::ok) {
    return verdict;
  }
  double sum = branches[branch] * answer.choice.propensity;
  for (std::size_t i = 0; i < kBranches; ++i) {
    if (branches.weight[i] > 0.0 && i != static_cast<std::size_t>(branch)) {
      sum += branches.weight[i] * probability(static_cast<Branch>(i), answer.choice.arm);
    }
  }
  answer.choice.propensity = sum;
  return Errc::ok;
}

double Ladder::guarded_probability(ArmIndex arm) const noexcept {
  if (unfamiliar()) {
    return below_probability(arm);
  }
  const Mixture branches = mixture();
  double sum = 0.0;
  for (std::size_t i = 0; i < kBranches; ++i) {
    if (branches.weight[i] > 0.0) {
      sum += branches.weight[i] * probability(static_cast<Branch>(i), arm);
    }
  }
  return sum;
}

bool Ladder::wanted(Branch branch, ArmIndex arm) const noexcept {
  return branch == Branch::probation ? on_probation(arm)
         : branch == Branch::trial   ? wants_trial(arm)
                                     : sound(arm);
}

Answer Ladder::forced(Branch branch, ChoiceReason why) const noexcept {
  const auto wants = [&](ArmIndex arm) { return wanted(branch, arm); };
  const std::size_t candidates = count(wants);
  return {.choice = {.arm = nth(wants, rng(kForcedPurpose).below(candidates)),
                     .propensity = 1.0 / static_cast<double>(candidates),
                     .greedy = false,
                     .status = Errc::ok},
          .rung = Rung::policy,
          .reason = why};
}

Errc Ladder::answer_branch(Branch branch, const Mixture& mixture, Answer& answer) const noexcept {
  const SafetyView& safety = safety_;
  switch (branch) {
    case Branch::probation:
      answer = forced(branch, ChoiceReason::probation);
      return Errc::ok;
    case Branch::floors:
      answer = owed();
      return Errc::ok;
    case Branch::trial:
      answer = forced(branch, ChoiceReason::trial);
      return Errc::ok;
    case Branch::boost:
      answer = forced(branch, ChoiceReason::drift);
      return Errc::ok;
    case Branch::baseline:
      answer = {.choice = {.arm = baseline(), .propensity = 1.0, .status = Errc::ok},
                .reason = ChoiceReason::baseline};
      return Errc::ok;
    case Branch::greedy:
      answer = {.choice = {.arm = greedy_arm(), .propensity = 1.0, .status = Errc::ok},
                .reason = ChoiceReason::exploration_cap};
      return Errc::ok;
    case Branch::below:
      answer = below(mixture.below_reason);
      return Errc::ok;
    case Branch::policy:
    case Branch::snapshot:
      break;
  }
  ChoiceReason why = branch == Branch::snapshot ? ChoiceReason::policy_tripped : ChoiceReason::usual;
  if (branch == Branch::policy) {
    answer.choice = select(question_.state.policy, 0);
    answer.rung = Rung::policy;
    answer.reason = (safety.mode & SafetyView::kPolicyProbation) != 0 ? ChoiceReason::probation : why;
    if (refuses_context(answer.choice)) {
      return answer.choice.status;
    }
    if (sound(answer.choice.arm) && !std::isnan(answer.choice.score)) {
      return Errc::ok;
    }
    why = ChoiceReason::policy_failed;
  }
  if (safety.good) {
    answer.choice = select(*safety.good, kSnapshotPurpose);
    answer.rung = Rung::snapshot;
    answer.reason = why;
    if (sound(answer.choice.arm) && !std::isnan(answer.choice.score)) {
      return Errc::ok;
    }
  }
  answer = below(why);
  return Errc::ok;
}

double Ladder::probability(Branch branch, ArmIndex arm) const noexcept {
  switch (branch) {
    case Branch::probation:
    case Branch::trial:
    case Branch::boost: {
      const auto wants = [&](ArmIndex a) { return wanted(branch, a); };
      return wants(arm) ? 1.0 / static_cast<double>(count(wants)) : 0.0;
    }
    case Branch::floors:
      return sound(arm) ? floor_of(arm) / floor_sum() : 0.0;
    case Branch::baseline:
      return arm == baseline() ? 1.0 : 0.0;
    case Branch::greedy:
      return arm == greedy_arm() ? 1.0 : 0.0;
    case Branch::below:
      return below_probability(arm);
    case Branch::policy:
      return sound(arm) ? policy_probability(question_.state.policy, arm) : 0.0;
    case Branch::snapshot:
      return sound(arm) ? policy_probability(*safety_.good, arm) : 0.0;
  }
  return kNan;
}

/// A tournament: of two arms that alone are offered, `greedy` says whether the chosen one has the larger
/// mean. The draws are always the same, so that the winner is a function of state and context.
ArmIndex Ladder::greedy_arm() const noexcept {
  const AnyPolicy& policy = question_.state.policy;
  const std::size_t slots = question_.offered.empty() ? arms_.slot_count() : question_.offered.size();
  ArmIndex best = kNoArm;
  for (std::size_t i = 0; i < slots; ++i) {
    const ArmIndex arm = question_.offered.empty() ? to_arm(i) : question_.offered[i];
    if (!sound(arm)) {
      continue;
    }
    if (best == kNoArm) {
      best = arm;
      continue;
    }
    const std::array<ArmIndex, 2> pair{best, arm};
    const Context seen{.input = question_.input, .actions = arms_.features(), .offered = pair};
    Rng same(1, 2, 3);
    const Choice choice = std::holds_alternative<AnyBandit>(policy)
                              ? std::get<AnyBandit>(policy).select(seen, same)
                              : std::get<AnyAgent>(policy).select(seen, same);
    if (choice.status == Errc::ok) {
      best = choice.greedy == (choice.arm == arm) ? arm : best;
    }
  }
  return best;
}

}  // namespace attune
