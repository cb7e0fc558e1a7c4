// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/thompson_window.hpp>

#include "policies/bandit/fading_scan.hpp"

namespace attune {

template <>
struct detail::IndexScan<ThompsonWindowRule> : FadingBetaScan<ThompsonWindowRule> {
  using FadingBetaScan::FadingBetaScan;
};

template class IndexPolicy<ThompsonWindowRule>;
static_assert(check_bandit<ThompsonWindow>() && !ExplicitBandit<ThompsonWindow> &&
              DrawsScores<ThompsonWindow> && Forgets<ThompsonWindow>);

}  // namespace attune
