// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/thompson_discounted.hpp>

#include "policies/bandit/fading_scan.hpp"

namespace attune {

template <>
struct detail::IndexScan<ThompsonDiscountedRule> : FadingBetaScan<ThompsonDiscountedRule> {
  using FadingBetaScan::FadingBetaScan;
};

template class IndexPolicy<ThompsonDiscountedRule>;
static_assert(check_bandit<ThompsonDiscounted>() && !ExplicitBandit<ThompsonDiscounted> &&
              DrawsScores<ThompsonDiscounted> && Forgets<ThompsonDiscounted>);

}  // namespace attune
