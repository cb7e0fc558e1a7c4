// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/bagging.hpp>

#include "policies/bandit/oracle_policy_body.hpp"

namespace attune {

// By inversion: the sum of the probabilities passes a uniform variate.
double BaggingRule::learn(const Config& /*config*/, const OracleArms& arms, RewardOracle& member,
                          std::size_t number, const OracleInput& input, const Feedback& feedback) noexcept {
  Rng rng(name_stream(kName), number, arms.updates());
  double left = rng.uniform();
  double probability = 0x1.78b56362cef38p-2;  // 1/e
  double times = 0.0;
  while (left >= probability && times < 20.0) {
    left -= probability;
    times += 1.0;
    probability /= times;
  }
  const std::size_t arm = to_index(feedback.arm);
  return times > 0.0 ? member.learn(arm, input, feedback.reward, feedback.weight * times)
                     : detail::ArmScores::one(arms, input, number, {}, arm);
}

template class OraclePolicy<BaggingRule>;
static_assert(check_bandit<Bagging>() && ExplicitBandit<Bagging> && Forgets<Bagging> && Expects<Bagging>);

}  // namespace attune
