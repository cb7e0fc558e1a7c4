// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/ucb_v.hpp>

#include <cmath>

#include "core/portable_math.hpp"
#include "policies/bandit/index_policy_body.hpp"

namespace attune {

template <>
struct detail::IndexScan<UcbVRule> : IndexScanBase<UcbVRule> {
  IndexScan(const UcbVConfig& options, const ArmMeans& arms, const double* numbers, const Context&) noexcept
      : IndexScanBase{options, arms, numbers},
        level_(options.zeta * portable_log(std::max(arms.total(), 1.0))),
        root_(std::sqrt(level_)) {}
  /// The mean, sqrt(2 variance / n) and 3 c R / n: the index is linear in sqrt(zeta ln t) and its square.
  static void refresh(const UcbVConfig& options, const ArmMeans& arms, std::size_t arm,
                      double* out) noexcept {
    const double counted = std::max(arms.counted(arm), kLeastWeight);
    const double variance =
        arms.weight(arm) > 0.0 ? arms.variance(arm) : 0.25 * options.reward_range * options.reward_range;
    out[0] = arms.mean(arm);
    out[1] = std::sqrt(2.0 * variance / counted);
    out[2] = 3.0 * options.c * options.reward_range / counted;
  }
  [[nodiscard]] double index(std::size_t arm) const noexcept {
    const double* of = cache(arm);
    return of[0] + (root_ * of[1] + level_ * of[2]);
  }

 private:
  double level_;  // zeta ln t
  double root_;
};

template class IndexPolicy<UcbVRule>;
static_assert(check_bandit<UcbV>() && ExplicitBandit<UcbV> && CountsPending<UcbV>);

}  // namespace attune
