// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/fastcb.hpp>

#include <algorithm>
#include <cmath>

#include "policies/bandit/oracle_policy_body.hpp"

namespace attune {

GapLaw FastCbRule::law(const Config& config, const OracleNumbers& known, double best) noexcept {
  const double loss = std::max(1.0 - best, 0.0);
  return {.numerator = loss,
          .base = known.arms * loss,
          .slope = config.gamma * std::sqrt(known.arms * known.round)};
}

template class OraclePolicy<FastCbRule>;
static_assert(check_bandit<FastCb>() && ExplicitBandit<FastCb> && Forgets<FastCb> && Expects<FastCb>);

}  // namespace attune
