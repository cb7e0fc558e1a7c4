// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/softmax.hpp>

#include <cmath>
#include <numbers>

#include "core/portable_math.hpp"
#include "policies/bandit/index_policy_body.hpp"

namespace attune {

template <>
struct detail::IndexScan<SoftmaxRule> : IndexScanBase<SoftmaxRule> {
  IndexScan(const SoftmaxConfig& options, const ArmMeans& arms, const double* numbers,
            const Context& context) noexcept
      : IndexScanBase{options, arms, numbers}, inverse_(1.0 / temperature(options, arms.total())) {
    arms.arms().for_each(context, [&](std::size_t arm) { largest_ = std::max(largest_, arms.mean(arm)); });
  }
  /// Of the arm with the largest mean: 1.
  [[nodiscard]] double share(std::size_t arm) const noexcept {
    const double apart = means.mean(arm) - largest_;
    return apart < 0.0 ? portable_exp(std::max(apart * inverse_, -1e300)) : 1.0;
  }

 private:
  [[nodiscard]] static double temperature(const SoftmaxConfig& options, double total) noexcept {
    switch (options.schedule) {
      case TemperatureSchedule::log:
        return options.temperature / portable_log(std::numbers::e + total);
      case TemperatureSchedule::root:
        return options.temperature / std::sqrt(1.0 + total);
      default:
        return options.temperature;
    }
  }

  double inverse_;
  double largest_ = -kInfinity;
};

template class IndexPolicy<SoftmaxRule>;
static_assert(check_bandit<Softmax>() && ExplicitBandit<Softmax> && !CountsPending<Softmax> &&
              !DrawsScores<Softmax> && Forgets<Softmax>);

}  // namespace attune
