// SPDX-License-Identifier: Apache-2.0
/// @file
/// The scans of the rules over means that forget, however they do (FadingMeans, WindowMeans).
#pragma once

#include <cmath>

#include <attune/core/sampling.hpp>
#include <attune/policies/fading_means.hpp>

#include "core/portable_math.hpp"
#include "policies/bandit/index_policy_body.hpp"

namespace attune::detail {

/// index(a) = mean(a) + width sqrt( xi ln t / n(a) ).
template <class Rule>
struct FadingUcbScan : IndexScanBase<Rule> {
  FadingUcbScan(const typename Rule::Config& options, const typename Rule::Means& arms, const double* numbers,
                const Context& /*context*/) noexcept
      : IndexScanBase<Rule>{options, arms, numbers},
        level_(Rule::kSquaredWidth * options.xi * portable_log(std::max(arms.total(), 1.0))) {}
  [[nodiscard]] double index(std::size_t arm) const noexcept {
    return this->means.mean(arm) + std::sqrt(level_ / this->means.counted(arm));
  }

 private:
  double level_;
};

/// draw(a) ~ Beta(alpha + n(a) mean(a), beta + n(a) (1 - mean(a))).
template <class Rule>
struct FadingBetaScan : IndexScanBase<Rule> {
  FadingBetaScan(const typename Rule::Config& options, const typename Rule::Means& arms,
                 const double* numbers, const Context& /*context*/) noexcept
      : IndexScanBase<Rule>{options, arms, numbers} {}
  [[nodiscard]] double draw(std::size_t arm, Rng& rng) const noexcept {
    const ScoreLaw posterior = law(arm);
    return sample_beta(rng, posterior.location, posterior.scale);
  }
  [[nodiscard]] ScoreLaw law(std::size_t arm) const noexcept {
    const double weight = this->means.weight(arm);
    const double mean = this->means.mean(arm);
    return ScoreLaw::beta(this->config.alpha + weight * mean, this->config.beta + weight * (1.0 - mean));
  }
};

}  // namespace attune::detail
