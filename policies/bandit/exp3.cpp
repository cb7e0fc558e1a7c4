// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/exp3.hpp>

#include "policies/bandit/share_policy_body.hpp"

namespace attune {

template <>
struct detail::ShareMath<Exp3Rule> {
  static double rate(const Exp3Config& config, std::size_t arms, std::uint64_t rounds) noexcept {
    const auto count = static_cast<double>(arms);
    return config.rate *
           std::sqrt(portable_log(count) / (count * std::max(static_cast<double>(rounds), 1.0)));
  }
  static void shares(const Exp3Config& config, std::span<const double> losses, std::uint64_t rounds,
                     std::span<double> out) noexcept {
    exponential_shares(losses, losses.empty() ? 0.0 : rate(config, losses.size(), rounds), out);
  }
  static double step(const Exp3Config& /*config*/, std::size_t /*arms*/, std::uint64_t /*rounds*/,
                     double reward, double propensity) noexcept {
    return (1.0 - reward) / propensity;
  }
};

template class SharePolicy<Exp3Rule>;
static_assert(check_bandit<Exp3>() && ExplicitBandit<Exp3> && Forgets<Exp3>);

}  // namespace attune
