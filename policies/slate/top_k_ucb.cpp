// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/top_k_ucb.hpp>

#include "core/portable_math.hpp"
#include "policies/slate/top_k_means_body.hpp"

namespace attune {

template <>
struct detail::TopKRule<TopKUcbRule> : TopKMeansRule<TopKUcbRule> {
  template <class Visit>
  static void scores(const TopKUcbConfig& config, const ArmMeans& means, std::uint64_t slates,
                     const Context& context, Rng& /*rng*/, const Visit& visit) noexcept {
    const double level = config.exploration * portable_log(std::max(static_cast<double>(slates), 1.0));
    for_each_bound(
        means, context,
        [&](std::size_t arm) { return means.mean(arm) + std::sqrt(level / means.weight(arm)); }, visit);
  }
};

template class TopKPolicy<TopKUcbRule>;
static_assert(check_slate_bandit<TopKUcb>());

}  // namespace attune
