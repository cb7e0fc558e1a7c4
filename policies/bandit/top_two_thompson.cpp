// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/top_two_thompson.hpp>

#include <cmath>

#include <attune/core/sampling.hpp>

#include "policies/bandit/bernoulli_kl.hpp"
#include "policies/bandit/index_policy_body.hpp"

namespace attune {

template <>
struct detail::IndexScan<TopTwoThompsonRule> : IndexScanBase<TopTwoThompsonRule> {
  IndexScan(const TopTwoThompsonConfig& options, const ArmMeans& arms, const double* numbers,
            const Context&) noexcept
      : IndexScanBase{options, arms, numbers} {}

  template <class Untried>
  [[nodiscard]] Choice choose(const Context& context, Rng& rng, const Untried& untried) const noexcept {
    const auto by_draws = [&] {
      return choose_by_draws(
          means.arms(), context, rng,
          [&](std::size_t arm) { return untried(arm) ? kInfinity : draw(arm, rng); },
          [this](std::size_t arm) { return means.mean(arm); });
    };
    const Choice leader = by_draws();
    if (leader.status != Errc::ok || leader.propensity == 1.0 || leader.score == kInfinity ||
        rng.uniform() < config.beta) {
      return leader;
    }
    for (int i = 0; i < kRedraws; ++i) {
      if (const Choice other = by_draws(); other.arm != leader.arm) {
        return other;
      }
    }
    ArgMax challenger;
    double largest_mean = -kInfinity;
    means.arms().for_each(context, [&](std::size_t arm) {
      largest_mean = std::max(largest_mean, means.mean(arm));
      if (to_arm(arm) != leader.arm) {
        challenger.offer(arm, -cost(to_index(leader.arm), arm), rng);
      }
    });
    Choice other = leader;
    other.arm = to_arm(challenger.chosen());
    other.score = means.mean(challenger.chosen());
    other.greedy = other.score == largest_mean;
    return other;
  }

 private:
  static constexpr int kRedraws = 16;

  [[nodiscard]] double draw(std::size_t arm, Rng& rng) const noexcept {
    const double n = means.weight(arm);
    const double mean = means.mean(arm);
    return config.model == ArmModel::bernoulli
               ? sample_beta(rng, 1.0 + n * mean, 1.0 + n * (1.0 - mean))
               : mean + sample_normal(rng) * (config.deviation / std::sqrt(std::max(n, kLeastWeight)));
  }
  /// W(best, other); 0 where the other has the larger mean.
  [[nodiscard]] double cost(std::size_t best, std::size_t other) const noexcept {
    const double apart = means.mean(best) - means.mean(other);
    if (apart <= 0.0) {
      return 0.0;
    }
    const double share = means.weight(other) / (means.weight(best) + means.weight(other));
    const double common = means.mean(best) - share * apart;
    if (config.model == ArmModel::bernoulli) {
      return means.weight(best) * bernoulli_kl(means.mean(best), common) +
             means.weight(other) * bernoulli_kl(means.mean(other), common);
    }
    const double scaled = std::min(apart / config.deviation, 1e100);
    return 0.5 * means.weight(best) * share * scaled * scaled;
  }
};

template class IndexPolicy<TopTwoThompsonRule>;
static_assert(check_bandit<TopTwoThompson>() && !ExplicitBandit<TopTwoThompson> &&
              !DrawsScores<TopTwoThompson> && Forgets<TopTwoThompson>);

}  // namespace attune
