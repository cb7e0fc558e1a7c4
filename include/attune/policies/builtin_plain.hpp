// SPDX-License-Identifier: Apache-2.0
/// @file
/// The shipped bandits without context that came after the first five; builtin.hpp joins the lists.
#pragma once

#include <attune/policies/bayes_ucb.hpp>
#include <attune/policies/boltzmann_gumbel.hpp>
#include <attune/policies/exp3.hpp>
#include <attune/policies/exp3_ix.hpp>
#include <attune/policies/exp3_s.hpp>
#include <attune/policies/explore_then_commit.hpp>
#include <attune/policies/glr_kl_ucb.hpp>
#include <attune/policies/imed.hpp>
#include <attune/policies/kl_moss.hpp>
#include <attune/policies/kl_ucb.hpp>
#include <attune/policies/kl_ucb_pp.hpp>
#include <attune/policies/moss.hpp>
#include <attune/policies/softmax.hpp>
#include <attune/policies/successive_elimination.hpp>
#include <attune/policies/thompson_discounted.hpp>
#include <attune/policies/thompson_hierarchical.hpp>
#include <attune/policies/thompson_multinomial.hpp>
#include <attune/policies/thompson_poisson.hpp>
#include <attune/policies/thompson_window.hpp>
#include <attune/policies/top_two_thompson.hpp>
#include <attune/policies/tsallis_inf.hpp>
#include <attune/policies/type_list.hpp>
#include <attune/policies/ucb_discounted.hpp>
#include <attune/policies/ucb_v.hpp>
#include <attune/policies/ucb_window.hpp>

namespace attune {

using PlainBandits = TypeList<KlMoss, KlUcb, KlUcbPp, Imed, Moss, UcbV, BayesUcb, ThompsonPoisson,
                              BoltzmannGumbel, ExploreThenCommit, SuccessiveElimination, UcbDiscounted,
                              UcbWindow, ThompsonDiscounted, ThompsonWindow, Exp3, Exp3Ix, Exp3S, TsallisInf,
                              Softmax, TopTwoThompson, ThompsonMultinomial, GlrKlUcb, ThompsonHierarchical>;

}  // namespace attune
