// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/successive_elimination.hpp>

#include <cmath>
#include <numbers>

#include "core/portable_math.hpp"
#include "policies/bandit/index_policy_body.hpp"

namespace attune {

template <>
struct detail::IndexScan<SuccessiveEliminationRule> : IndexScanBase<SuccessiveEliminationRule> {
  IndexScan(const SuccessiveEliminationConfig& options, const ArmMeans& arms, const double* numbers,
            const Context& context) noexcept
      : IndexScanBase{options, arms, numbers},
        log_(portable_log(std::numbers::pi * std::numbers::pi / 3.0 / options.delta *
                          std::max(static_cast<double>(arms.arms().eligible(context)), 1.0))) {
    arms.arms().for_each(context, [&](std::size_t arm) {
      if (arms.weight(arm) > 0.0) {
        floor_ = std::max(floor_, arms.mean(arm) - width(arm));
      }
    });
  }
  [[nodiscard]] double index(std::size_t arm) const noexcept {
    return means.mean(arm) + width(arm) < floor_ ? -kInfinity : -means.counted(arm);
  }

 private:
  [[nodiscard]] double width(std::size_t arm) const noexcept {
    const double counted = std::max(means.counted(arm), kLeastWeight);
    const double log = std::max(log_ + 2.0 * portable_log(counted), 0.0);
    return config.reward_range * std::sqrt(0.5 * log / counted);
  }

  double log_;
  double floor_ = -kInfinity;  // the best of the lower bounds
};

template class IndexPolicy<SuccessiveEliminationRule>;
static_assert(check_bandit<SuccessiveElimination>() && ExplicitBandit<SuccessiveElimination> &&
              Forgets<SuccessiveElimination>);

}  // namespace attune
