// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/kl_ucb_pp.hpp>

#include "policies/bandit/horizon_scan.hpp"

namespace attune {
namespace detail {

struct KlUcbPpLevel {
  static constexpr bool kTight = false;
  /// g(x) = ln x + ln(1 + ln^2 x) for x > 1.
  [[nodiscard]] static double of(double log) noexcept { return log + portable_log(1.0 + log * log); }
  /// ln(1 + y^2) <= y saves most arms the logarithm.
  [[nodiscard]] static double bound(double log) noexcept { return 2.0 * log; }
};

}  // namespace detail

template <>
struct detail::IndexScan<KlUcbPpRule> : HorizonScan<KlUcbPpRule, KlUcbPpLevel> {
  using HorizonScan::HorizonScan;
};

template class IndexPolicy<KlUcbPpRule>;
static_assert(check_bandit<KlUcbPp>() && ExplicitBandit<KlUcbPp> && CountsPending<KlUcbPp>);

}  // namespace attune
