// SPDX-License-Identifier: Apache-2.0
/// @file
/// The shipped bandits whose action is more than one arm of a list: slates, pairs, continuous actions.
#pragma once

#include <attune/policies/bradley_terry.hpp>
#include <attune/policies/double_thompson.hpp>
#include <attune/policies/optimistic_tree.hpp>
#include <attune/policies/rucb.hpp>
#include <attune/policies/slate_ridge.hpp>
#include <attune/policies/spline_square_cb.hpp>
#include <attune/policies/top_k_kl_ucb.hpp>
#include <attune/policies/top_k_lin_ucb.hpp>
#include <attune/policies/top_k_thompson.hpp>
#include <attune/policies/top_k_ucb.hpp>
#include <attune/policies/type_list.hpp>

namespace attune {

using BuiltinSlateBandits = TypeList<TopKUcb, TopKKlUcb, TopKThompson, TopKLinUcb, SlateRidge>;
using BuiltinDuelingBandits = TypeList<Rucb, DoubleThompson, BradleyTerry>;
using BuiltinContinuousBandits = TypeList<OptimisticTree, SplineSquareCb>;

}  // namespace attune
