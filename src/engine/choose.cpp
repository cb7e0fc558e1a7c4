// SPDX-License-Identifier: Apache-2.0
#include "engine/choose.hpp"

#include <algorithm>
#include <variant>

#include <attune/core/rng.hpp>

namespace attune {
namespace {

constexpr std::uint32_t kFallbackPurpose = 1;

[[nodiscard]] ArmIndex nth_eligible(const ArmTable& arms, std::span<const ArmIndex> offered,
                                    std::uint64_t n) noexcept {
  const std::size_t slots = offered.empty() ? arms.slot_count() : offered.size();
  for (std::size_t i = 0; i < slots; ++i) {
    const ArmIndex arm = offered.empty() ? to_arm(i) : offered[i];
    if (arms.enabled(arm) && n-- == 0) {
      return arm;
    }
  }
  return kNoArm;
}

/// The rungs below the live policy: the configured arm where it may be chosen, else any arm, uniformly.
Choice fall_back(const PointState& state, std::string_view fallback, std::span<const ArmIndex> offered,
                 std::size_t eligible, Rng rng, Rung& rung) noexcept {
  const ArmIndex arm = fallback.empty() ? kNoArm : state.arms.find(fallback);
  if (state.arms.enabled(arm) && (offered.empty() || std::ranges::find(offered, arm) != offered.end())) {
    rung = Rung::fallback;
    return {.arm = arm, .propensity = 1.0, .status = Errc::ok};
  }
  rung = Rung::uniform;
  return {.arm = nth_eligible(state.arms, offered, rng.below(eligible)),
          .propensity = 1.0 / static_cast<double>(eligible),
          .greedy = false,
          .status = Errc::ok};
}

}  // namespace

std::size_t count_eligible(const ArmTable& arms, std::span<const ArmIndex> offered) noexcept {
  if (offered.empty()) {
    return arms.enabled_count();
  }
  return static_cast<std::size_t>(
      std::ranges::count_if(offered, [&](ArmIndex arm) { return arms.enabled(arm); }));
}

Errc choose_arm(const PointState& state, std::string_view fallback, const DrawKey& key, const Input& input,
                std::span<const ArmIndex> offered, std::size_t eligible, Choice& choice,
                Rung& rung) noexcept {
  Rng rng(key.seed, key.stream, key.sequence);
  const Context seen{.input = input, .actions = state.arms.features(), .offered = offered};
  choice = std::holds_alternative<AnyBandit>(state.policy)
               ? std::get<AnyBandit>(state.policy).select(seen, rng)
               : std::get<AnyAgent>(state.policy).select(seen, rng);
  if (choice.status == Errc::invalid_argument || choice.status == Errc::dimension_mismatch) {
    return choice.status;  // only agents can still refuse a context: their states are a subset of the numbers
  }
  rung = Rung::policy;
  if (!state.arms.enabled(choice.arm)) {
    choice = fall_back(state, fallback, offered, eligible,
                       Rng(key.seed, key.stream, key.sequence, kFallbackPurpose), rung);
  }
  return Errc::ok;
}

}  // namespace attune
