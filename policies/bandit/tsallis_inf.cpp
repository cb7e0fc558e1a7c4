// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/tsallis_inf.hpp>

#include "policies/bandit/share_policy_body.hpp"

namespace attune {

template <>
struct detail::ShareMath<TsallisInfRule> {
  static void shares(const TsallisInfConfig& config, std::span<const double> losses, std::uint64_t rounds,
                     std::span<double> out) noexcept {
    if (losses.empty()) {
      return;
    }
    const double rate = config.rate / std::sqrt(static_cast<double>(rounds) + 1.0);
    const double least = *std::ranges::min_element(losses);
    // f(y) = sum of (2 / rate / (L - least + y))^2 - 1, convex and falling; not negative at y = 2 / rate.
    const double unit = 2.0 / rate;
    double y = unit;
    constexpr int kSteps = 60;  // ten are many
    for (int step = 0; step < kSteps; ++step) {
      double value = -1.0;
      double slope = 0.0;
      for (const double loss : losses) {
        const double root = unit / (loss - least + y);
        value += root * root;
        slope += root * root / (loss - least + y);
      }
      const double change = value / (2.0 * slope);
      if (!(change > 1e-14 * y)) {
        break;
      }
      y += change;
    }
    double sum = 0.0;
    for (std::size_t arm = 0; arm < losses.size(); ++arm) {
      const double root = unit / (losses[arm] - least + y);
      out[arm] = root * root;
      sum += out[arm];
    }
    for (double& share : out) {
      share /= sum;  // of rounding
    }
  }
  static double step(const TsallisInfConfig& /*config*/, std::size_t /*arms*/, std::uint64_t /*rounds*/,
                     double reward, double propensity) noexcept {
    return (1.0 - reward) / propensity;
  }
};

template class SharePolicy<TsallisInfRule>;
static_assert(check_bandit<TsallisInf>() && ExplicitBandit<TsallisInf> && Forgets<TsallisInf>);

}  // namespace attune
