// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/logistic_ts.hpp>

#include "policies/bandit/oracle_policy_body.hpp"

namespace attune {

template class OraclePolicy<LogisticTsRule>;
static_assert(check_bandit<LogisticTs>() && DrawsScores<LogisticTs> && Forgets<LogisticTs> &&
              Expects<LogisticTs>);

}  // namespace attune
