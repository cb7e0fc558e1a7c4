// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/squarecb.hpp>

#include <cmath>

#include "policies/bandit/oracle_policy_body.hpp"

namespace attune {

GapLaw SquareCbRule::law(const Config& config, const OracleNumbers& known, double /*best*/) noexcept {
  return {.numerator = 1.0,
          .base = known.arms,
          .slope = config.gamma * std::sqrt(known.arms * known.round) / known.range};
}

template class OraclePolicy<SquareCbRule>;
static_assert(check_bandit<SquareCb>() && ExplicitBandit<SquareCb> && Forgets<SquareCb> && Expects<SquareCb>);

}  // namespace attune
