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
    const double gumbel = -portable_log(std::max(sample_exponential(rng), 1e-300));
    return means.mean(arm) + config.scale * gumbel / std::sqrt(means.counted(arm));
  }
};

template class IndexPolicy<BoltzmannGumbelRule>;
static_assert(check_bandit<BoltzmannGumbel>() && !ExplicitBandit<BoltzmannGumbel> &&
              Forgets<BoltzmannGumbel>);

}  // namespace attune
