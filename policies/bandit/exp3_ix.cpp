// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/exp3_ix.hpp>

#include "policies/bandit/share_policy_body.hpp"

namespace attune {

template <>
struct detail::ShareMath<Exp3IxRule> {
  static double rate(const Exp3IxConfig& config, std::size_t arms, std::uint64_t rounds) noexcept {
    const auto count = static_cast<double>(arms);
    return config.rate *
           std::sqrt(2.0 * portable_log(count) / (count * std::max(static_cast<double>(rounds), 1.0)));
  }
  static void shares(const Exp3IxConfig& config, std::span<const double> losses, std::uint64_t rounds,
                     std::span<double> out) noexcept {
    exponential_shares(losses, losses.empty() ? 0.0 : rate(config, losses.size(), rounds), out);
  }
  static double step(const Exp3IxConfig& config, std::size_t arms, std::uint64_t rounds, double reward,
                     double propensity) noexcept {
    return (1.0 - reward) / (propensity + 0.5 * rate(config, arms, rounds + 1));
  }
};

template class SharePolicy<Exp3IxRule>;
static_assert(check_bandit<Exp3Ix>() && ExplicitBandit<Exp3Ix> && Forgets<Exp3Ix>);

}  // namespace attune
