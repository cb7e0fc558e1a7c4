// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/thompson_window.hpp>

#include <cmath>

#include <attune/core/sampling.hpp>

#include "core/portable_math.hpp"
#include "policies/bandit/index_policy_body.hpp"

namespace attune {

template <>
struct detail::IndexScan<ThompsonWindowRule> : IndexScanBase<ThompsonWindowRule> {
  IndexScan(const ThompsonWindowConfig& options, const WindowMeans& arms, const double* numbers,
            const Context&) noexcept
      : IndexScanBase{options, arms, numbers} {}
  [[nodiscard]] double draw(std::size_t arm, Rng& rng) const noexcept {
    const ScoreLaw posterior = law(arm);
    return sample_beta(rng, posterior.location, posterior.scale);
  }
  [[nodiscard]] ScoreLaw law(std::size_t arm) const noexcept {
    const double successes = means.weight(arm) * means.mean(arm);
    const double failures = means.weight(arm) * (1.0 - means.mean(arm));
    return ScoreLaw::beta(config.alpha + successes, config.beta + failures);
  }
};

template class IndexPolicy<ThompsonWindowRule>;
static_assert(check_bandit<ThompsonWindow>() && !ExplicitBandit<ThompsonWindow> &&
              DrawsScores<ThompsonWindow> && Forgets<ThompsonWindow>);

}  // namespace attune
