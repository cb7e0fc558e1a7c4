// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/kl_moss.hpp>

#include "policies/bandit/horizon_scan.hpp"

namespace attune {
namespace detail {

struct KlMossLevel {
  static constexpr bool kTight = true;
  [[nodiscard]] static double of(double log) noexcept { return log; }
  [[nodiscard]] static double bound(double log) noexcept { return log; }
};

}  // namespace detail

template <>
struct detail::IndexScan<KlMossRule> : HorizonScan<KlMossRule, KlMossLevel> {
  using HorizonScan::HorizonScan;
};

template class IndexPolicy<KlMossRule>;
static_assert(check_bandit<KlMoss>() && ExplicitBandit<KlMoss> && CountsPending<KlMoss>);

}  // namespace attune
