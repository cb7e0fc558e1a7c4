// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/imed.hpp>

#include "policies/bandit/coin_scan.hpp"

namespace attune {

template <>
struct detail::IndexScan<ImedRule> : CoinScan<ImedRule> {
  IndexScan(const ImedConfig& options, const ArmMeans& arms, const double* numbers,
            const Context& context) noexcept
      : CoinScan(options, arms, numbers) {
    double best = 0.0;
    arms.arms().for_each(context, [&](std::size_t arm) {
      if (arms.weight(arm) > 0.0) {
        best = std::max(best, arms.mean(arm));
      }
    });
    best_ = LogOdds(best);
  }
  [[nodiscard]] double index(std::size_t arm) const noexcept {
    const CoinNumbers of = coin(arm);
    const double away = of.mean < best_.q ? std::max(best_.divergence(of.mean, of.entropy), 0.0) : 0.0;
    return -(of.counted * away + of.log);
  }

 private:
  LogOdds best_;
};

template class IndexPolicy<ImedRule>;
static_assert(check_bandit<Imed>() && ExplicitBandit<Imed> && CountsPending<Imed>);

}  // namespace attune
