// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/top_k_kl_ucb.hpp>

#include "policies/bandit/bernoulli_kl.hpp"
#include "policies/slate/top_k_means_body.hpp"

namespace attune {

template <>
struct detail::TopKRule<TopKKlUcbRule> : TopKMeansRule<TopKKlUcbRule> {
  template <class Visit>
  static void scores(const TopKKlUcbConfig& config, const ArmMeans& means, std::uint64_t slates,
                     const Context& context, Rng& /*rng*/, const Visit& visit) noexcept {
    const double log = portable_log(std::max(static_cast<double>(slates), 1.0));
    const double level = log + (config.c > 0.0 ? config.c * portable_log(std::max(log, 1.0)) : 0.0);
    for_each_bound(
        means, context,
        [&](std::size_t arm) {
          const double mean = means.mean(arm);
          return kl_upper_bound(mean, negative_entropy(mean), level / means.weight(arm));
        },
        visit);
  }
};

template class TopKPolicy<TopKKlUcbRule>;
static_assert(check_slate_bandit<TopKKlUcb>());

}  // namespace attune
