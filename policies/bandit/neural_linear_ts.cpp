// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/neural_linear_ts.hpp>

#include <cmath>

#include "policies/bandit/oracle_policy_body.hpp"

namespace attune {

double NeuralLinearTsRule::width(const Config& config, const OracleNumbers& known) noexcept {
  if (config.loss == Loss::logistic) {
    return config.scale;
  }
  const double rewards = known.round - 1.0;
  const double doubt = 0.25 * known.range * known.range;
  return config.scale * std::sqrt(((rewards * known.deviation * known.deviation) + (kDoubted * doubt)) /
                                  (rewards + kDoubted));
}

template class OraclePolicy<NeuralLinearTsRule>;
static_assert(check_bandit<NeuralLinearTs>() && DrawsScores<NeuralLinearTs> && Forgets<NeuralLinearTs> &&
              Expects<NeuralLinearTs>);

}  // namespace attune
