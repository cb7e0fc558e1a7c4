// SPDX-License-Identifier: Apache-2.0
#include "engine/choose_action.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <variant>

#include <attune/core/rng.hpp>
#include <attune/core/shown_arm.hpp>
#include <attune/core/slates.hpp>

namespace attune {
namespace {

constexpr std::uint32_t kUniformPurpose = 1;  // as ladder_below.cpp: the policy's own draws are purpose 0

[[nodiscard]] Rng draws_of(const Question& question, std::uint32_t purpose) noexcept {
  return Rng(question.key.seed, question.key.stream, question.key.sequence, purpose);
}

void choose_numbers(const AnyContinuousBandit& bandit, const Question& question, std::vector<double>& values,
                    Answer& answer) noexcept {
  values.resize(bandit.dimension());
  if (!question.killed) {
    Rng rng = draws_of(question, 0);
    const ActionDensity chosen = bandit.select_action({.input = question.input}, rng, values);
    if (chosen.status == Errc::ok) {
      answer.choice = {.propensity = chosen.density, .status = Errc::ok};
      return;
    }
  }
  const ChoiceReason why = question.killed ? ChoiceReason::killed : ChoiceReason::policy_failed;
  if (const std::vector<double>& named = question.config.fallback_action; !named.empty()) {
    std::ranges::copy(named, values.begin());
    answer = {.choice = {.propensity = std::numeric_limits<double>::quiet_NaN(), .status = Errc::ok},
              .rung = Rung::fallback,
              .reason = why};
    return;
  }
  Rng rng = draws_of(question, kUniformPurpose);
  double density = 1.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Bounds range = bandit.range(i);
    const double width = range.max - range.min;
    values[i] = std::fmin(range.min + rng.uniform() * width, range.max);
    density /= width;
  }
  answer = {.choice = {.propensity = density, .greedy = false, .status = Errc::ok},
            .rung = Rung::uniform,
            .reason = why};
}

/// The arm of that number among those that may be chosen.
[[nodiscard]] ArmIndex nth_eligible(const Question& question, std::uint64_t number) noexcept {
  const ArmTable& arms = question.state.arms;
  const std::size_t entries = question.offered.empty() ? arms.slot_count() : question.offered.size();
  for (std::size_t i = 0; i < entries; ++i) {
    const ArmIndex arm = question.offered.empty() ? to_arm(i) : question.offered[i];
    if (arms.enabled(arm) && number-- == 0) {
      return arm;
    }
  }
  return kNoArm;
}

/// Different arms, each order of them as likely as any other. Returns how many there are, at most as many as
/// `out` has room for, and puts the probability of what was drawn into `answer`.
[[nodiscard]] std::size_t draw_arms(const Question& question, std::span<ArmIndex> out,
                                    Answer& answer) noexcept {
  Rng rng = draws_of(question, kUniformPurpose);
  const std::size_t size = std::min(out.size(), question.eligible);
  std::array<std::uint64_t, kMaxSlate> taken{};  // numbers of the arms drawn, increasing
  double propensity = 1.0;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint64_t left = question.eligible - i;
    std::uint64_t number = rng.below(left);
    std::size_t before = 0;
    for (; before < i && taken[before] <= number; ++before) {
      ++number;  // passes over one that is taken
    }
    std::copy_backward(taken.begin() + before, taken.begin() + i, taken.begin() + i + 1);
    taken[before] = number;
    out[i] = nth_eligible(question, number);
    propensity /= static_cast<double>(left);
  }
  answer = {.choice = {.propensity = propensity, .greedy = false, .status = Errc::ok},
            .rung = Rung::uniform,
            .reason = question.killed ? ChoiceReason::killed : ChoiceReason::policy_failed};
  return size;
}

[[nodiscard]] Context context_of(const Question& question) noexcept {
  return {.input = question.input, .actions = question.state.arms.features(), .offered = question.offered};
}

/// How many arms of `out` the policy chose; 0 where it refuses.
[[nodiscard]] std::size_t ask(const AnyDuelingBandit& bandit, const Question& question,
                              std::span<ArmIndex> out, Answer& answer) noexcept {
  Rng rng = draws_of(question, 0);
  const PairChoice pair = bandit.select_pair(context_of(question), rng);
  answer.choice = {.propensity = pair.propensity, .status = pair.status};
  out[0] = pair.first;
  out[1] = pair.second;
  return pair.status != Errc::ok ? 0 : pair.first == pair.second ? 1 : 2;
}

[[nodiscard]] std::size_t ask(const AnySlateBandit& bandit, const Question& question, std::span<ArmIndex> out,
                              Answer& answer) noexcept {
  Rng rng = draws_of(question, 0);
  const SlateChoice list = bandit.select_slate(context_of(question), rng, {.arms = out});
  answer.choice = {.propensity = list.propensity, .status = list.status};
  return list.status != Errc::ok ? 0 : list.size;
}

template <class Policy>
void choose_arms(const Policy& policy, std::size_t most, const Question& question,
                 std::vector<double>& values, Answer& answer) noexcept {
  const ArmTable& arms = question.state.arms;
  std::array<ArmIndex, kMaxSlate> room{};
  const std::span<ArmIndex> out = std::span(room).first(most);
  const auto enabled = [&](ArmIndex arm) { return arms.enabled(arm); };
  std::size_t size = question.killed ? 0 : ask(policy, question, out, answer);
  if (size == 0 || !std::ranges::all_of(out.first(size), enabled)) {
    size = draw_arms(question, out, answer);
  }
  values.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    values[i] = ShownArm{.arm = out[i], .generation = arms.generation(out[i])}.value();
  }
  answer.choice.arm = out[0];
}

}  // namespace

void choose_action(const Question& question, std::vector<double>& values, Answer& answer) noexcept {
  answer = {};
  if (const auto* continuous = std::get_if<AnyContinuousBandit>(&question.state.policy)) {
    choose_numbers(*continuous, question, values, answer);
  } else if (const auto* dueling = std::get_if<AnyDuelingBandit>(&question.state.policy)) {
    choose_arms(*dueling, 2, question, values, answer);
  } else if (const auto* slates = std::get_if<AnySlateBandit>(&question.state.policy)) {
    choose_arms(*slates, question.config.size, question, values, answer);
  }
}

}  // namespace attune
