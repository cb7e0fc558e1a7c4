// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/cover.hpp>

#include <algorithm>
#include <cmath>

#include "policies/bandit/oracle_policy_body.hpp"

namespace attune {

double CoverRule::mixed(const Config& config, const OracleNumbers& known) noexcept {
  return known.arms * std::min(1.0 / known.arms, config.epsilon / std::sqrt(known.arms * known.round));
}

double CoverRule::learn(const Config& config, const OracleArms& arms, RewardOracle& member,
                        std::size_t number, const OracleInput& input, const Feedback& feedback) noexcept {
  const std::size_t chosen = to_index(feedback.arm);
  if (number == 0) {
    return member.learn(chosen, input, feedback.reward, feedback.weight);
  }
  const Context context{.input = input.raw};
  detail::ArmScores scores(arms, context, input);
  double bonus = 0.0;
  if (scores.count() > 0) {
    const OracleNumbers known{.round = static_cast<double>(arms.updates()),
                              .arms = static_cast<double>(scores.count()),
                              .range = arms.range(),
                              .deviation = arms.deviation()};
    const double mix = mixed(config, known);
    const detail::VoteChances before(arms, scores, {.width = width(config, known)}, mix, number);
    const double chance = before.of(chosen, input, scores.count());
    const double least = mix / known.arms;
    bonus = least > 0.0 ? config.psi * known.range * least / std::max(chance, least) : 0.0;
  }
  const double target = feedback.reward + bonus;
  return member.learn(chosen, input, config.loss == Loss::logistic ? std::clamp(target, 0.0, 1.0) : target,
                      feedback.weight);
}

template class OraclePolicy<CoverRule>;
static_assert(check_bandit<Cover>() && ExplicitBandit<Cover> && Forgets<Cover> && Expects<Cover>);

}  // namespace attune
