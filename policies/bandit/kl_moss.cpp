// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/kl_moss.hpp>

#include "policies/bandit/coin_scan.hpp"

namespace attune {

template <>
struct detail::IndexScan<KlMossRule> : CoinScan<KlMossRule> {
  IndexScan(const KlMossConfig& options, const ArmMeans& arms, const double* numbers,
            const Context& context) noexcept
      : CoinScan(options, arms, numbers),
        log_share_(log_floored(std::max(static_cast<double>(options.horizon), arms.total()) /
                               static_cast<double>(arms.arms().eligible(context)))) {}
  [[nodiscard]] double index(std::size_t arm) const noexcept {
    const CoinNumbers of = coin(arm);
    return kl_upper_bound(of.mean, of.entropy, level(of.log) / of.counted);
  }
  void raise(double best) noexcept { bar_.raise(best); }
  [[nodiscard]] bool below(std::size_t arm) const noexcept {
    const CoinNumbers of = coin(arm);
    return bar_.beyond(of.mean, of.entropy, level(of.log) / of.counted);
  }

 private:
  [[nodiscard]] double level(double log_counted) const noexcept {
    return std::max(log_share_ - log_counted, 0.0);
  }

  double log_share_;  // ln(T / K)
  KlBar bar_;
};

template class IndexPolicy<KlMossRule>;
static_assert(check_bandit<KlMoss>() && ExplicitBandit<KlMoss> && CountsPending<KlMoss>);

}  // namespace attune
