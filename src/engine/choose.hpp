// SPDX-License-Identifier: Apache-2.0
/// @file
/// The choice of an arm, shared by decide() and by replays that derive a decision again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <attune/core/record.hpp>
#include <attune/core/vocabulary.hpp>

#include "engine/config.hpp"
#include "engine/policy_ops.hpp"

namespace attune {

/// What the random draws of one decision are keyed by.
struct DrawKey {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
  std::uint64_t sequence = 0;
};

/// Arms that may be chosen now: the enabled ones of those offered; of all, when none are named.
[[nodiscard]] std::size_t count_eligible(const ArmTable& arms, std::span<const ArmIndex> offered) noexcept;

/// A decision to be made.
struct Question {
  const PointState& state;
  const PointConfig& config;
  DrawKey key{};
  const Input& input;
  std::span<const ArmIndex> offered{};
  std::size_t eligible = 0;  ///< count_eligible(), at least 1
  bool killed = false;
  /// By slot, what the live policy chooses with what probability, where it was found otherwise
  /// (propensities()); empty: what the policy states.
  std::span<const double> live_shares{};
};

struct Answer {
  Choice choice{};
  Rung rung = Rung::policy;
  ChoiceReason reason = ChoiceReason::usual;
};

/// What a bandit's or an agent's point answers, by the ladder: live policy, snapshot, static shares, fallback
/// arm, any arm. `choice.propensity` is the probability of the arm over all ways to choose it, NaN where a
/// part of it has no closed form. `room` is working memory, kept for reuse: the size of the arms is all it
/// ever has. Errors: invalid_argument, dimension_mismatch (the context is no state of the agent).
/// Cost: one select() without guards; at most one for each arm more while exploration is capped.
[[nodiscard]] Errc choose_arm(const Question& question, std::vector<double>& room, Answer& answer) noexcept;

/// Probability that choose_arm() answers with `arm`; NaN where a part of it has no closed form.
[[nodiscard]] double answer_probability(const Question& question, ArmIndex arm,
                                        std::vector<double>& room) noexcept;

}  // namespace attune
