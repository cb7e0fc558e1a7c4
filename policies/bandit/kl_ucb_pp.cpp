// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/kl_ucb_pp.hpp>

#include "policies/bandit/coin_scan.hpp"

namespace attune {

template <>
struct detail::IndexScan<KlUcbPpRule> : CoinScan<KlUcbPpRule> {
  IndexScan(const KlUcbPpConfig& options, const ArmMeans& arms, const double* numbers,
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
    // ln(1 + y^2) <= y saves most arms the logarithm.
    const double log = std::max(log_share_ - of.log, 0.0);
    return bar_.beyond(of.mean, of.entropy, 2.0 * log / of.counted) ||
           bar_.beyond(of.mean, of.entropy, level(of.log) / of.counted);
  }

 private:
  /// g(T / (K n)) = ln x + ln(1 + ln^2 x) for x > 1.
  [[nodiscard]] double level(double log_counted) const noexcept {
    const double log = std::max(log_share_ - log_counted, 0.0);
    return log + portable_log(1.0 + log * log);
  }

  double log_share_;  // ln(T / K)
  KlBar bar_;
};

template class IndexPolicy<KlUcbPpRule>;
static_assert(check_bandit<KlUcbPp>() && ExplicitBandit<KlUcbPp> && CountsPending<KlUcbPp>);

}  // namespace attune
