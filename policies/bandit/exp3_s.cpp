// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/exp3_s.hpp>

#include <numbers>

#include "policies/bandit/share_policy_body.hpp"

namespace attune {

template <>
struct detail::ShareMath<Exp3SRule> {
  static void shares(const Exp3SConfig& config, std::span<const double> losses, std::uint64_t /*rounds*/,
                     std::span<double> out) noexcept {
    exponential_shares(losses, 1.0, out);
    for (double& share : out) {
      share = (1.0 - config.gamma) * share + config.gamma / static_cast<double>(out.size());
    }
  }
  static double step(const Exp3SConfig& config, std::size_t arms, std::uint64_t /*rounds*/, double reward,
                     double propensity) noexcept {
    return -config.gamma * reward / (propensity * static_cast<double>(arms));
  }
  /// The weights after the reward stand for those before it in W: at most a factor e apart, and only for
  /// alpha.
  static void mix(const Exp3SConfig& config, std::span<double> losses) noexcept {
    const double least = *std::ranges::min_element(losses);
    double sum = 0.0;
    for (const double loss : losses) {
      sum += portable_exp(least - loss);
    }
    const double more = std::numbers::e * config.alpha / static_cast<double>(losses.size()) * sum;
    for (double& loss : losses) {
      const double weight = portable_exp(least - loss) + more;
      loss = weight > 0.0 ? -portable_log(std::max(weight, 1e-300)) : loss - least;
    }
  }
};

template class SharePolicy<Exp3SRule>;
static_assert(check_bandit<Exp3S>() && ExplicitBandit<Exp3S> && Forgets<Exp3S>);

}  // namespace attune
