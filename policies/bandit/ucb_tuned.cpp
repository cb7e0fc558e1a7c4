// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/ucb_tuned.hpp>

#include <cmath>

#include "core/portable_math.hpp"
#include "policies/bandit/index_policy_body.hpp"

namespace attune {

template <>
struct detail::IndexScan<UcbTunedRule> : IndexScanBase<UcbTunedRule> {
  IndexScan(const UcbTunedConfig& options, const ArmMeans& arms, const double* numbers,
            const Context& /*context*/) noexcept
      : IndexScanBase{options, arms, numbers}, log_(portable_log(std::max(1.0, arms.total()))) {}
  /// 1 / n, and the variance in units of R^2.
  static void refresh(const UcbTunedConfig& options, const ArmMeans& arms, std::size_t arm,
                      double* out) noexcept {
    out[0] = 1.0 / arms.counted(arm);
    out[1] = arms.weight(arm) > 0.0 ? arms.variance(arm) / (options.reward_range * options.reward_range)
                                    : kLargestVariance;
  }
  [[nodiscard]] double index(std::size_t arm) const noexcept {
    const double rate = log_ * cache(arm)[0];
    const double bound = std::min(kLargestVariance, cache(arm)[1] + std::sqrt(2.0 * rate));
    return means.mean(arm) + config.reward_range * std::sqrt(rate * bound);
  }
  void raise(double best) noexcept { best_ = best; }
  /// The bound with the largest variance, squared: no root, and no arm is passed over that rounding may save.
  [[nodiscard]] bool below(std::size_t arm) const noexcept {
    const double apart = best_ - means.mean(arm) - 1e-15 * (std::abs(best_) + std::abs(means.mean(arm)));
    const double widest = config.reward_range * config.reward_range * kLargestVariance * log_;
    return apart > 0.0 && apart * apart > widest * cache(arm)[0] * (1.0 + 1e-9);
  }

 private:
  static constexpr double kLargestVariance = 0.25;  // of a variable in [0, 1]

  double log_;  // ln t
  double best_ = -kInfinity;
};

template class IndexPolicy<UcbTunedRule>;
static_assert(check_bandit<UcbTuned>() && ExplicitBandit<UcbTuned> && CountsPending<UcbTuned> &&
              Forgets<UcbTuned>);

}  // namespace attune
