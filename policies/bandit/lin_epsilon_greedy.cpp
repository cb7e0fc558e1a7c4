// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/lin_epsilon_greedy.hpp>

#include <algorithm>
#include <cmath>

#include "policies/bandit/oracle_policy_body.hpp"

namespace attune {

GapLaw LinEpsilonGreedyRule::law(const Config& config, const OracleNumbers& known, double /*best*/) noexcept {
  return {.numerator = std::max(config.epsilon / std::sqrt(known.round), config.epsilon_min),
          .base = known.arms};
}

template class OraclePolicy<LinEpsilonGreedyRule>;
static_assert(check_bandit<LinEpsilonGreedy>() && ExplicitBandit<LinEpsilonGreedy> &&
              Forgets<LinEpsilonGreedy> && Expects<LinEpsilonGreedy>);

}  // namespace attune
