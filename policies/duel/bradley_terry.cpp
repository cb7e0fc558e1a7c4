// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/bradley_terry.hpp>

#include <attune/core/sampling.hpp>

#include "policies/duel/duel_policy_body.hpp"

namespace attune {

template <>
struct detail::DuelRule<BradleyTerryRule> {
  static PairChoice choose(const BradleyTerryConfig& config, const DuelRatings& ratings,
                           std::span<const std::uint32_t> members, Rng& rng) noexcept {
    const auto draw = [&] {
      ArgMax best;
      for (const std::uint32_t arm : members) {
        const double value =
            ratings.mean(arm) + config.scale * std::sqrt(ratings.variance(arm)) * sample_normal(rng);
        best.offer(arm, value, rng);
      }
      return to_arm(best.chosen());
    };
    const ArmIndex first = draw();
    const ArmIndex second = draw();
    return {.first = first,
            .second = second,
            .propensity = std::numeric_limits<double>::quiet_NaN(),
            .status = Errc::ok};
  }

  static void learned(const BradleyTerryConfig& /*config*/, DuelRatings& /*ratings*/) noexcept {}
};

template class DuelPolicy<BradleyTerryRule>;
static_assert(check_dueling_bandit<BradleyTerry>());

}  // namespace attune
