// SPDX-License-Identifier: Apache-2.0
/// @file
/// TopKMeans: what the rules of TopKPolicy share that know of an arm only the mean of its rewards.
#pragma once

#include <attune/core/slates.hpp>
#include <attune/policies/arm_means.hpp>

namespace attune {

/// Rewards in [0, 1], judged by their mean and weight; the context is checked but not used.
struct TopKMeans {
  using Model = ArmMeans;
  static constexpr RewardDomain kDomain = RewardDomain::unit;

  [[nodiscard]] static Result<ArmIndex> add(ArmMeans& means) { return means.add_arm(); }
  static Errc enable(ArmMeans& means, ArmIndex arm, bool on) noexcept { return means.set_enabled(arm, on); }
  static Errc reset(ArmMeans& means, ArmIndex arm) noexcept { return means.reset_arm(arm); }
};

}  // namespace attune
