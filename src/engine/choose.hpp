// SPDX-License-Identifier: Apache-2.0
/// @file
/// The choice of an arm, shared by decide() and by replays that derive a decision again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <attune/core/record.hpp>
#include <attune/core/vocabulary.hpp>

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

/// What a bandit's or an agent's point answers; there is an eligible arm. Errors: invalid_argument,
/// dimension_mismatch (the context is no state of the agent).
[[nodiscard]] Errc choose_arm(const PointState& state, std::string_view fallback, const DrawKey& key,
                              const Input& input, std::span<const ArmIndex> offered, std::size_t eligible,
                              Choice& choice, Rung& rung) noexcept;

}  // namespace attune
