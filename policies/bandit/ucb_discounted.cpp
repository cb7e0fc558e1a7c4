// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/ucb_discounted.hpp>

#include "policies/bandit/fading_scan.hpp"

namespace attune {

template <>
struct detail::IndexScan<UcbDiscountedRule> : FadingUcbScan<UcbDiscountedRule> {
  using FadingUcbScan::FadingUcbScan;
};

template class IndexPolicy<UcbDiscountedRule>;
static_assert(check_bandit<UcbDiscounted>() && ExplicitBandit<UcbDiscounted> && Forgets<UcbDiscounted>);

}  // namespace attune
