// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/thompson_poisson.hpp>

#include <cmath>

#include <attune/core/sampling.hpp>

#include "core/portable_math.hpp"
#include "policies/bandit/index_policy_body.hpp"

namespace attune {

template <>
struct detail::IndexScan<ThompsonPoissonRule> : IndexScanBase<ThompsonPoissonRule> {
  IndexScan(const ThompsonPoissonConfig& options, const ArmMeans& arms, const double* numbers,
            const Context&) noexcept
      : IndexScanBase{options, arms, numbers} {}
  [[nodiscard]] double draw(std::size_t arm, Rng& rng) const noexcept {
    const ScoreLaw posterior = law(arm);
    return sample_gamma(rng, posterior.shape) * posterior.scale;
  }
  [[nodiscard]] ScoreLaw law(std::size_t arm) const noexcept {
    const double events = std::min(means.weight(arm) * means.mean(arm), kMost);
    return ScoreLaw::gamma(config.shape + events, 1.0 / (config.rate + means.weight(arm)));
  }

 private:
  static constexpr double kMost = 1e300;  // of events: above it a draw would overflow
};

template class IndexPolicy<ThompsonPoissonRule>;
static_assert(check_bandit<ThompsonPoisson>() && !ExplicitBandit<ThompsonPoisson> &&
              DrawsScores<ThompsonPoisson> && Forgets<ThompsonPoisson>);

}  // namespace attune
