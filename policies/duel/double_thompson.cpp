// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/double_thompson.hpp>

#include <attune/core/sampling.hpp>

#include "policies/duel/duel_policy_body.hpp"

namespace attune {

template <>
struct detail::DuelRule<DoubleThompsonRule> {
  static double draw(const DuelTable& table, std::size_t arm, std::size_t against, Rng& rng) noexcept {
    return sample_beta(rng, table.wins(arm, against) + 1.0, table.wins(against, arm) + 1.0);
  }

  static PairChoice choose(const DoubleThompsonConfig& config, const DuelTable& table,
                           std::span<const std::uint32_t> members, Rng& rng) noexcept {
    const DuelBounds<DuelTable> bounds(table, config.alpha);
    std::array<std::uint32_t, kMaxDuelArms> may_beat{};  // how many each may beat
    std::array<std::uint32_t, kMaxDuelArms> beats{};     // and beats in the draw
    std::uint32_t most = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
      for (std::size_t j = 0; j < members.size(); ++j) {
        may_beat.at(i) += i != j && bounds.upper(members[i], members[j]) > 0.5 ? 1U : 0U;
      }
      most = std::max(most, may_beat.at(i));
    }
    for (std::size_t i = 0; i < members.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        // A pair of arms that both are out changes nothing.
        if (may_beat.at(i) == most || may_beat.at(j) == most) {
          const bool wins = draw(table, members[i], members[j], rng) > 0.5;
          ++beats.at(wins ? i : j);
        }
      }
    }
    ArgMax first;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (may_beat.at(i) == most) {
        first.offer(members[i], beats.at(i), rng);
      }
    }
    ArgMax second;
    for (const std::uint32_t arm : members) {
      if (bounds.lower(arm, first.chosen()) <= 0.5) {
        second.offer(arm, arm == first.chosen() ? 0.5 : draw(table, arm, first.chosen(), rng), rng);
      }
    }
    return {.first = to_arm(first.chosen()),
            .second = to_arm(second.chosen()),
            .propensity = std::numeric_limits<double>::quiet_NaN(),
            .status = Errc::ok};
  }

  static void learned(const DoubleThompsonConfig& /*config*/, DuelTable& /*table*/) noexcept {}
};

template class DuelPolicy<DoubleThompsonRule>;
static_assert(check_dueling_bandit<DoubleThompson>());

}  // namespace attune
