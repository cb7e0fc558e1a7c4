// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/thompson_multinomial.hpp>

#include <attune/core/sampling.hpp>

#include "policies/bandit/index_policy_body.hpp"

namespace attune {

template <>
struct detail::IndexScan<ThompsonMultinomialRule> : IndexScanBase<ThompsonMultinomialRule> {
  IndexScan(const ThompsonMultinomialConfig& options, const GridMeans& arms, const double* numbers,
            const Context&) noexcept
      : IndexScanBase{options, arms, numbers} {}
  [[nodiscard]] double draw(std::size_t arm, Rng& rng) const noexcept {
    const std::span<const double> counts = means.counts(arm);
    const double step = 1.0 / static_cast<double>(counts.size() - 1);
    double sum = 0.0;
    double first_moment = 0.0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const double part = sample_gamma(rng, std::min(config.prior + counts[i], kMost));
      sum += part;
      first_moment += part * static_cast<double>(i) * step;
    }
    return sum > 0.0 ? first_moment / sum : means.mean(arm);  // variates of a tiny prior may all be 0
  }

 private:
  static constexpr double kMost = 1e300;  // above it a sum of variates would overflow
};

template class IndexPolicy<ThompsonMultinomialRule>;
static_assert(check_bandit<ThompsonMultinomial>() && !ExplicitBandit<ThompsonMultinomial> &&
              !DrawsScores<ThompsonMultinomial> && Forgets<ThompsonMultinomial>);

}  // namespace attune
