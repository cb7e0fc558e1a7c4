// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/regcb.hpp>

#include <cmath>

#include "core/portable_math.hpp"
#include "policies/bandit/oracle_policy_body.hpp"

namespace attune {

double RegCbRule::width(const Config& config, const OracleNumbers& known) noexcept {
  return known.deviation *
         std::sqrt(config.mellowness * detail::portable_log(1.0 + (known.arms * known.round)));
}

GapLaw RegCbRule::law(const Config& /*config*/, const OracleNumbers& /*known*/, double /*best*/) noexcept {
  return {};
}

template class OraclePolicy<RegCbRule>;
static_assert(check_bandit<RegCb>() && ExplicitBandit<RegCb> && Forgets<RegCb> && Expects<RegCb>);

}  // namespace attune
