// SPDX-License-Identifier: Apache-2.0
/// @file
/// The shipped algorithms: laws, registry, schema and benchmarks run over these lists.
#pragma once

#include <attune/policies/adagrad.hpp>
#include <attune/policies/adam.hpp>
#include <attune/policies/auto_bandit.hpp>
#include <attune/policies/auto_linear.hpp>
#include <attune/policies/bayes_linear.hpp>
#include <attune/policies/builtin_oracle.hpp>
#include <attune/policies/builtin_plain.hpp>
#include <attune/policies/epsilon_greedy.hpp>
#include <attune/policies/ftrl.hpp>
#include <attune/policies/gp_optimizer.hpp>
#include <attune/policies/hashed_interactions.hpp>
#include <attune/policies/lin_ts.hpp>
#include <attune/policies/lin_ucb.hpp>
#include <attune/policies/lin_ucb_hybrid.hpp>
#include <attune/policies/mini_batch.hpp>
#include <attune/policies/nag.hpp>
#include <attune/policies/neural_linear.hpp>
#include <attune/policies/q_learning.hpp>
#include <attune/policies/random_features.hpp>
#include <attune/policies/regression_tree.hpp>
#include <attune/policies/replay.hpp>
#include <attune/policies/sgd.hpp>
#include <attune/policies/thompson_beta.hpp>
#include <attune/policies/thompson_gaussian.hpp>
#include <attune/policies/type_list.hpp>
#include <attune/policies/ucb1.hpp>
#include <attune/policies/ucb_tuned.hpp>

namespace attune {

using BuiltinBandits = Joined<TypeList<Ucb1, UcbTuned, EpsilonGreedy, ThompsonBeta, ThompsonGaussian, LinUcb,
                                       LinUcbHybrid, LinTs, AutoBandit>,
                              PlainBandits, OracleBandits>;
using BuiltinLearners =
    TypeList<SgdLearner, AdaGradLearner, FtrlLearner, AutoLinearLearner, BayesLinearLearner, NagLearner,
             AdamLearner, HashedInteractions, MiniBatchLearner, ReplayLearner, RandomFeatures, RegressionTree,
             NeuralLinearLearner>;
using BuiltinAgents = TypeList<QLearning>;
using BuiltinOptimizers = TypeList<GpOptimizer>;

}  // namespace attune
