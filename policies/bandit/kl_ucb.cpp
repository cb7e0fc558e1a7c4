// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/kl_ucb.hpp>

#include "policies/bandit/coin_scan.hpp"

namespace attune {

template <>
struct detail::IndexScan<KlUcbRule> : CoinScan<KlUcbRule> {
  IndexScan(const KlUcbConfig& options, const ArmMeans& arms, const double* numbers, const Context&) noexcept
      : CoinScan(options, arms, numbers) {
    const double log = portable_log(std::max(arms.total(), 1.0));
    level_ = log + (options.c > 0.0 ? options.c * portable_log(std::max(log, 1.0)) : 0.0);
  }
  [[nodiscard]] double index(std::size_t arm) const noexcept {
    const CoinNumbers of = coin(arm);
    return kl_upper_bound(of.mean, of.entropy, level_ / of.counted);
  }
  void raise(double best) noexcept { bar_.raise(best); }
  [[nodiscard]] bool below(std::size_t arm) const noexcept {
    const CoinNumbers of = coin(arm);
    return bar_.beyond(of.mean, of.entropy, level_ / of.counted);
  }

 private:
  double level_;
  KlBar bar_;
};

template class IndexPolicy<KlUcbRule>;
static_assert(check_bandit<KlUcb>() && ExplicitBandit<KlUcb> && CountsPending<KlUcb> && Forgets<KlUcb>);

}  // namespace attune
