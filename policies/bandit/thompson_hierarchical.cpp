// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/thompson_hierarchical.hpp>

#include <cmath>

#include <attune/core/sampling.hpp>

#include "policies/bandit/index_policy_body.hpp"

namespace attune {
namespace detail {

/// What the means of arms are drawn from.
struct Population {
  double mean = 0.0;
  double variance = 0.0;  ///< between arms
  double within = 0.0;    ///< of a reward of one arm
  double error = 0.0;     ///< square of that of `mean`
};

}  // namespace detail

namespace {

/// Within these no quotient overflows or is 0 / 0.
constexpr double kLeastSpread = 1e-150;
constexpr double kMostSpread = 1e150;

[[nodiscard]] double spread_of(double variance) noexcept {
  return std::clamp(variance, kLeastSpread, kMostSpread);
}

constexpr double kMeanArms = 2.0;  // that prior_mean is worth

/// Weight and mean of an arm, as far as sums of their products stay finite.
[[nodiscard]] double bounded_weight(const ArmMeans& arms, std::size_t arm) noexcept {
  return std::min(arms.weight(arm), 1e80);
}
[[nodiscard]] double bounded_mean(const ArmMeans& arms, std::size_t arm) noexcept {
  return std::clamp(arms.mean(arm), -1e100, 1e100);
}

[[nodiscard]] double within_arms(const ThompsonHierarchicalConfig& options, const ArmMeans& arms) noexcept {
  double weight = 1.0;
  double sum = options.model == ArmModel::bernoulli ? 0.5 : options.deviation * options.deviation;
  for (std::size_t arm = 0; arm < arms.count(); ++arm) {
    const double n = bounded_weight(arms, arm);
    weight += n;
    sum += n * (options.model == ArmModel::bernoulli ? arms.mean(arm)
                                                     : std::min(arms.variance(arm), kMostSpread));
  }
  const double average = sum / weight;
  return spread_of(options.model == ArmModel::bernoulli ? average * (1.0 - average) : average);
}

[[nodiscard]] detail::Population population_of(const ThompsonHierarchicalConfig& options,
                                               const ArmMeans& arms) noexcept {
  detail::Population all{.within = within_arms(options, arms)};
  // DerSimonian and Laird: with weights w = n / within, Q = sum w (mean - average)^2 is k - 1 on average, and
  // by v (sum w - sum w^2 / sum w) more where the arms differ. Here with n for w, Q being divided by
  // `within`.
  double known = 0.0;
  double weight = 0.0;
  double average = 0.0;
  double squares = 0.0;
  double apart = 0.0;
  for (std::size_t arm = 0; arm < arms.count(); ++arm) {
    const double n = bounded_weight(arms, arm);
    if (n >= detail::kLeastWeight) {
      known += 1.0;
      weight += n;
      const double off = bounded_mean(arms, arm) - average;
      average += off * (n / weight);
      apart += n * off * (bounded_mean(arms, arm) - average);
      squares += n * (n / weight - squares / weight);  // sum of n^2, over the sum of n
    }
  }
  const double given = options.prior_spread * options.prior_spread;
  double estimate = 0.0;
  if (known > 1.0 && weight > squares) {
    estimate = std::max((apart - (known - 1.0) * all.within) / (weight - squares), 0.0);
  }
  const double others = std::max(known - 1.0, 0.0);
  all.variance = spread_of((options.prior_arms * given + others * estimate) / (options.prior_arms + others));
  double precision = kMeanArms / spread_of(given);
  double sum = 0.0;  // of distances from prior_mean
  for (std::size_t arm = 0; arm < arms.count(); ++arm) {
    if (const double n = bounded_weight(arms, arm); n >= detail::kLeastWeight) {
      const double of = 1.0 / (all.variance + all.within / n);
      precision += of;
      sum += of * (bounded_mean(arms, arm) - options.prior_mean);
    }
  }
  all.mean = options.prior_mean + sum / precision;
  all.error = 1.0 / precision;
  return all;
}

}  // namespace

template <>
struct detail::IndexScan<ThompsonHierarchicalRule> : IndexScanBase<ThompsonHierarchicalRule> {
  IndexScan(const ThompsonHierarchicalConfig& options, const ArmMeans& arms, const double* numbers,
            const Context& /*context*/) noexcept
      : IndexScanBase{options, arms, numbers}, all_(population_of(options, arms)) {
    const double mean = std::clamp(all_.mean, kLeastChance, 1.0 - kLeastChance);
    const double pulls =
        std::clamp(mean * (1.0 - mean) / (all_.variance + all_.error) - 1.0, kLeastPulls, kMostPulls);
    successes_ = mean * pulls;
    failures_ = (1.0 - mean) * pulls;
  }
  [[nodiscard]] double draw(std::size_t arm, Rng& rng) const noexcept {
    const ScoreLaw posterior = law(arm);
    switch (posterior.kind) {
      case ScoreLaw::Kind::beta:
        return sample_beta(rng, posterior.location, posterior.scale);
      case ScoreLaw::Kind::normal:
        return posterior.location + posterior.scale * sample_normal(rng);
      default:
        return posterior.location;
    }
  }
  [[nodiscard]] ScoreLaw law(std::size_t arm) const noexcept {
    const double n = means.weight(arm);
    const double mean = means.mean(arm);
    if (config.model == ArmModel::bernoulli) {
      return ScoreLaw::beta(successes_ + n * mean, failures_ + n * (1.0 - mean));
    }
    // Share of the arm's own mean: (n / within) V.
    const double own = n / (n + all_.within / all_.variance);
    const double variance = (1.0 - own) * all_.variance + (1.0 - own) * (1.0 - own) * all_.error;
    return ScoreLaw::normal(all_.mean + own * (mean - all_.mean), std::sqrt(variance));
  }

 private:
  static constexpr double kLeastChance = 1e-6;
  static constexpr double kLeastPulls = 0.01;
  static constexpr double kMostPulls = 1e12;

  Population all_;
  double successes_ = 0.0;
  double failures_ = 0.0;
};

template class IndexPolicy<ThompsonHierarchicalRule>;
static_assert(check_bandit<ThompsonHierarchical>() && !ExplicitBandit<ThompsonHierarchical> &&
              DrawsScores<ThompsonHierarchical> && Forgets<ThompsonHierarchical>);

}  // namespace attune
