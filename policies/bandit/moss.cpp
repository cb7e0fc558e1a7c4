// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/moss.hpp>

#include <cmath>

#include "policies/bandit/bernoulli_kl.hpp"
#include "policies/bandit/index_policy_body.hpp"

namespace attune {

template <>
struct detail::IndexScan<MossRule> : IndexScanBase<MossRule> {
  IndexScan(const MossConfig& options, const ArmMeans& arms, const double* numbers,
            const Context& context) noexcept
      : IndexScanBase{options, arms, numbers} {
    const auto horizon = static_cast<double>(options.horizon);
    const bool known = horizon >= arms.total();
    log_share_ =
        log_floored(std::max(horizon, arms.total()) / static_cast<double>(arms.arms().eligible(context)));
    factor_ = options.reward_range * std::sqrt(known ? 1.0 : 0.5 * (1.0 + options.alpha));
  }
  /// The mean, ln n and 1 / sqrt(n).
  static void refresh(const MossConfig& /*options*/, const ArmMeans& arms, std::size_t arm,
                      double* out) noexcept {
    out[0] = arms.mean(arm);
    out[1] = log_floored(arms.counted(arm));
    out[2] = 1.0 / std::sqrt(std::max(arms.counted(arm), kLeastWeight));
  }
  [[nodiscard]] double index(std::size_t arm) const noexcept {
    const double* of = cache(arm);
    return of[0] + factor_ * std::sqrt(std::max(log_share_ - of[1], 0.0)) * of[2];
  }

 private:
  double log_share_;  // ln(T / K)
  double factor_;
};

template class IndexPolicy<MossRule>;
static_assert(check_bandit<Moss>() && ExplicitBandit<Moss> && CountsPending<Moss>);

}  // namespace attune
