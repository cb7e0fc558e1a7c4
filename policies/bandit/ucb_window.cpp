// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/ucb_window.hpp>

#include "policies/bandit/fading_scan.hpp"

namespace attune {

template <>
struct detail::IndexScan<UcbWindowRule> : FadingUcbScan<UcbWindowRule> {
  using FadingUcbScan::FadingUcbScan;
};

template class IndexPolicy<UcbWindowRule>;
static_assert(check_bandit<UcbWindow>() && ExplicitBandit<UcbWindow> && Forgets<UcbWindow>);

}  // namespace attune
