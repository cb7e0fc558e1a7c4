// SPDX-License-Identifier: Apache-2.0
/// @file
/// What writing and reading a collector's state share. The format is in docs/rewards.md.
#pragma once

#include <cstdint>

#include <attune/rewards/collector.hpp>

namespace attune::detail {

inline constexpr std::uint32_t kFormat = 1;
inline constexpr std::uint32_t kNoChain = 0;  // chains are numbered from 1 in the state

enum Flag : std::uint8_t { kResolved = 1, kPastDue = 2, kTerminal = 4, kTruncated = 8, kHasNext = 16 };
inline constexpr std::uint8_t kAllFlags = 31;

/// Calls `visit(counter)` for each integer counter, in the order of the format.
template <class Counters, class Visitor>
void for_each_counter(Counters& c, Visitor&& visit) {
  for (auto* counter : {&c.decisions,
                        &c.outcomes,
                        &c.learned,
                        &c.learned_partial,
                        &c.learned_default,
                        &c.learned_late,
                        &c.duplicate,
                        &c.conflict,
                        &c.late,
                        &c.unknown_decision,
                        &c.unknown_component,
                        &c.silent,
                        &c.censored,
                        &c.overflow_expired,
                        &c.overflow_refused,
                        &c.no_next_state,
                        &c.breaches,
                        &c.overflow_lost,
                        &c.credited_elsewhere,
                        &c.too_many,
                        &c.invalid,
                        &c.duplicate_decisions,
                        &c.bad_credit}) {
    visit(*counter);
  }
}

}  // namespace attune::detail
