// SPDX-License-Identifier: Apache-2.0
/// @file
/// The choice of an action that is more than one arm, shared by decide() and by replays that derive a
/// decision again.
#pragma once

#include <vector>

#include "engine/choose.hpp"

namespace attune {

/// What a point answers whose policy is neither a bandit, an agent nor an optimizer: the policy's action, or
/// where it is killed or the policy refuses, one that is drawn uniformly (rung `uniform`).
/// - numbers: `values` is the action; `answer.choice.propensity` its density, of the uniform distribution
///   over the box where that chose. The point's fallback action comes before that (rung `fallback`); it has
///   no density (NaN).
/// - pair, list: `values` are the arms, as ShownArm, `answer.choice.arm` the first of them; its propensity is
///   that of the ordered pair or list. Drawn uniformly, each is an arm that may be chosen, none twice.
/// `values` is reused: no allocation once it had the size of an action. Cost: that of the policy's choice.
void choose_action(const Question& question, std::vector<double>& values, Answer& answer) noexcept;

}  // namespace attune
