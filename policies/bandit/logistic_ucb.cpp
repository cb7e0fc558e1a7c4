// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/logistic_ucb.hpp>

#include "policies/bandit/oracle_policy_body.hpp"

namespace attune {

GapLaw LogisticUcbRule::law(const Config& /*config*/, const OracleNumbers& /*known*/,
                            double /*best*/) noexcept {
  return {};
}

template class OraclePolicy<LogisticUcbRule>;
static_assert(check_bandit<LogisticUcb>() && ExplicitBandit<LogisticUcb> && Forgets<LogisticUcb> &&
              Expects<LogisticUcb>);

}  // namespace attune
