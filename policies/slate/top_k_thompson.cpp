// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/top_k_thompson.hpp>

#include <attune/core/sampling.hpp>

#include "policies/slate/top_k_means_body.hpp"

namespace attune {

template <>
struct detail::TopKRule<TopKThompsonRule> : TopKMeansRule<TopKThompsonRule> {
  template <class Visit>
  static void scores(const TopKThompsonConfig& config, const ArmMeans& means, std::uint64_t /*slates*/,
                     const Context& context, Rng& rng, const Visit& visit) noexcept {
    means.arms().for_each(context, [&](std::size_t arm) {
      const double successes = means.weight(arm) * means.mean(arm);
      const double failures = means.weight(arm) * (1.0 - means.mean(arm));
      visit(arm, sample_beta(rng, config.alpha + successes, config.beta + failures));
    });
  }
};

template class TopKPolicy<TopKThompsonRule>;
static_assert(check_slate_bandit<TopKThompson>());

}  // namespace attune
