// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/boltzmann_gumbel.hpp>

#include <cmath>

#include <attune/core/sampling.hpp>

#include "core/portable_math.hpp"
#include "policies/bandit/index_policy_body.hpp"

namespace attune {

template <>
struct detail::IndexScan<BoltzmannGumbelRule> : IndexScanBase<BoltzmannGumbelRule> {
  IndexScan(const BoltzmannGumbelConfig& options, const ArmMeans& arms, const double* numbers,
            const Context&) noexcept
      : IndexScanBase{options, arms, numbers} {}
  [[nodiscard]] double draw(std::size_t arm, Rng& rng) const noexcept {
    const ScoreLaw noisy = law(arm);
    return noisy.location - noisy.scale * portable_log(std::max(sample_exponential(rng), 1e-300));
  }
  [[nodiscard]] ScoreLaw law(std::size_t arm) const noexcept {
    return ScoreLaw::gumbel(means.mean(arm), config.scale / std::sqrt(means.counted(arm)));
  }
};

template class IndexPolicy<BoltzmannGumbelRule>;
static_assert(check_bandit<BoltzmannGumbel>() && !ExplicitBandit<BoltzmannGumbel> &&
              DrawsScores<BoltzmannGumbel> && Forgets<BoltzmannGumbel>);

}  // namespace attune
