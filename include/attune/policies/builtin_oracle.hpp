// SPDX-License-Identifier: Apache-2.0
/// @file
/// The shipped bandits over a regression of rewards; builtin.hpp joins the lists.
#pragma once

#include <attune/policies/bagging.hpp>
#include <attune/policies/cover.hpp>
#include <attune/policies/fastcb.hpp>
#include <attune/policies/lin_epsilon_greedy.hpp>
#include <attune/policies/logistic_ts.hpp>
#include <attune/policies/logistic_ucb.hpp>
#include <attune/policies/neural_linear_ts.hpp>
#include <attune/policies/regcb.hpp>
#include <attune/policies/squarecb.hpp>
#include <attune/policies/type_list.hpp>

namespace attune {

using OracleBandits = TypeList<SquareCb, FastCb, LinEpsilonGreedy, RegCb, Bagging, Cover, LogisticUcb,
                               LogisticTs, NeuralLinearTs>;

}  // namespace attune
