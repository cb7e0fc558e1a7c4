// SPDX-License-Identifier: Apache-2.0
/// @file
/// The shipped bandits without context that came after the first five; builtin.hpp joins the lists.
#pragma once

#include <attune/policies/bayes_ucb.hpp>
#include <attune/policies/imed.hpp>
#include <attune/policies/kl_moss.hpp>
#include <attune/policies/kl_ucb.hpp>
#include <attune/policies/kl_ucb_pp.hpp>
#include <attune/policies/moss.hpp>
#include <attune/policies/type_list.hpp>
#include <attune/policies/ucb_v.hpp>

namespace attune {

using PlainBandits = TypeList<KlMoss, KlUcb, KlUcbPp, Imed, Moss, UcbV, BayesUcb>;

}  // namespace attune
