// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/rucb.hpp>

#include <algorithm>

#include <attune/core/sampling.hpp>

#include "policies/duel/duel_policy_body.hpp"

namespace attune {

template <>
struct detail::DuelRule<RucbRule> {
  using Bounds = DuelBounds<DuelTable>;

  static bool candidate(const Bounds& bounds, std::span<const std::uint32_t> members,
                        std::size_t arm) noexcept {
    return std::ranges::all_of(members, [&](std::size_t other) { return bounds.upper(arm, other) >= 0.5; });
  }

  static PairChoice choose(const RucbConfig& config, const DuelTable& table,
                           std::span<const std::uint32_t> members, Rng& rng) noexcept {
    const Bounds bounds(table, config.alpha);
    std::array<std::uint32_t, kMaxDuelArms> candidates;  // NOLINT: written before it is read
    std::size_t count = 0;
    bool favoured = false;
    for (const std::uint32_t arm : members) {
      if (candidate(bounds, members, arm)) {
        favoured = favoured || to_arm(arm) == table.favourite();
        candidates.at(count++) = arm;
      }
    }
    if (count == 0) {
      std::ranges::copy(members, candidates.begin());
      count = members.size();
    }
    std::size_t first = candidates.front();
    double propensity = 1.0;
    if (favoured && count > 1) {
      propensity = 0.5;
      first = to_index(table.favourite());
      if (rng.below(2) == 0) {
        propensity = 0.5 / static_cast<double>(count - 1);
        auto skip = static_cast<std::size_t>(rng.below(count - 1));
        for (std::size_t i = 0; i < count; ++i) {
          if (to_arm(candidates.at(i)) != table.favourite() && skip-- == 0) {
            first = candidates.at(i);
            break;
          }
        }
      }
    } else if (count > 1) {
      propensity = 1.0 / static_cast<double>(count);
      first = candidates.at(static_cast<std::size_t>(rng.below(count)));
    }
    ArgMax second;
    for (const std::uint32_t arm : members) {
      second.offer(arm, bounds.upper(arm, first), rng);
    }
    return {.first = to_arm(first),
            .second = to_arm(second.chosen()),
            .propensity = propensity / static_cast<double>(second.ties()),
            .status = Errc::ok};
  }

  /// The favourite is the last arm that was alone among the candidates, while it is one.
  static void learned(const RucbConfig& config, DuelTable& table) noexcept {
    const DuelMembers members(table.arms(), {});
    const Bounds bounds(table, config.alpha);
    std::size_t count = 0;
    ArmIndex last = kNoArm;
    bool favoured = false;
    for (const std::uint32_t arm : members.list()) {
      if (candidate(bounds, members.list(), arm)) {
        ++count;
        last = to_arm(arm);
        favoured = favoured || last == table.favourite();
      }
    }
    if (count == 1) {
      table.set_favourite(last);
    } else if (!favoured) {
      table.set_favourite(kNoArm);
    }
  }
};

template class DuelPolicy<RucbRule>;
static_assert(check_dueling_bandit<Rucb>());

}  // namespace attune
