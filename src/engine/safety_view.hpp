// SPDX-License-Identifier: Apache-2.0
/// @file
/// SafetyView: what guards have decided, as deciders read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <attune/core/vocabulary.hpp>
#include <attune/engine/registry.hpp>
#include <attune/safety/mahalanobis.hpp>

namespace attune {

/// What guards say of an arm; the larger, the worse.
enum class Standing : std::uint8_t { sound, probation, out };

/// Part of a PointState: changed by ops only, so that it is the same at the same version everywhere. At
/// points without guards it is empty and is never looked at.
struct SafetyView {
  enum Mode : std::uint32_t {
    kPolicyOut = 1,        ///< a guard of the point has taken the live policy out
    kPolicyProbation = 2,  ///< it gets a small share of the decisions again
    kToAllocation = 4,     ///< with one of the two: the snapshot is passed over
    kGreedyOnly = 8,       ///< enough was explored
    kBaselineOnly = 16,    ///< exploring cannot be paid for
  };

  std::vector<Standing> standing;  ///< by slot; slots beyond its end are sound
  std::uint32_t held_back = 0;     ///< slots that are not sound
  std::uint32_t mode = 0;
  double boost = 0.0;                   ///< share of uniform choices that a drift watch asks for
  std::optional<AnyPolicy> good;        ///< the last good snapshot
  std::optional<AnyPolicy> candidate;   ///< becomes good if nothing trips until the next one
  std::optional<Mahalanobis> contexts;  ///< what is usual, where contexts are watched

  [[nodiscard]] Standing of(ArmIndex arm) const noexcept {
    return to_index(arm) < standing.size() ? standing[to_index(arm)] : Standing::sound;
  }
  /// True when the standing is another one now.
  bool set(ArmIndex arm, Standing to) {
    const Standing from = of(arm);
    if (from == to) {
      return false;
    }
    if (to_index(arm) >= standing.size()) {
      standing.resize(to_index(arm) + 1, Standing::sound);
    }
    standing[to_index(arm)] = to;
    held_back += from == Standing::sound ? 1U : 0U;
    held_back -= to == Standing::sound ? 1U : 0U;
    return true;
  }
};

}  // namespace attune
