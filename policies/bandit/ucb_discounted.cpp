// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/ucb_discounted.hpp>

#include <cmath>

#include "core/portable_math.hpp"
#include "policies/bandit/index_policy_body.hpp"

namespace attune {

template <>
struct detail::IndexScan<UcbDiscountedRule> : IndexScanBase<UcbDiscountedRule> {
  IndexScan(const UcbDiscountedConfig& options, const FadingMeans& arms, const double* numbers,
            const Context&) noexcept
      : IndexScanBase{options, arms, numbers} {
    level_ = 4.0 * options.xi * portable_log(std::max(arms.total(), 1.0));
  }
  [[nodiscard]] double index(std::size_t arm) const noexcept {
    return means.mean(arm) + std::sqrt(level_ / means.counted(arm));
  }

 private:
  double level_ = 0.0;
};

template class IndexPolicy<UcbDiscountedRule>;
static_assert(check_bandit<UcbDiscounted>() && ExplicitBandit<UcbDiscounted> && Forgets<UcbDiscounted>);

}  // namespace attune
