// SPDX-License-Identifier: Apache-2.0
/// @file
/// A simulated LLM gateway: models with published quality, price and latency, requests with language and
/// difficulty.
#pragma once

#include <memory>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/environment.hpp"
#include "simulations/environment_factory.hpp"

namespace attune::sim {

/// Each step is a coding task in one of six languages. Model a solves it with probability
///
///     Phi(beta_a + s_{a,c} + d_a * h),
///
/// c the language, h ~ N(0, 1) how easy the task is, s_{a,c} ~ N(0, spread_language^2) and d_a uniform
/// between half and one and a half of spread_difficulty, both drawn once a seed, and beta_a such that the
/// mean over languages and tasks is the model's published pass rate, exactly. Cost and latency are log-normal
/// around the published mean per case, the length of the task moving the cost of all models alike. Context:
/// bias, one-hot language, a noisy view of h, the log of the length. Components: "quality" (0 or 1), "cost"
/// (USD), "latency" (s).
///
/// Published: pass rate at the second try, cost and seconds per case of eight models: Aider polyglot
/// leaderboard, 225 exercises (Aider-AI/aider, polyglot_leaderboard.yml, commit 5dc9490b; Paul Gauthier and
/// the aider contributors; Apache-2.0). Assumed by us: the spreads, the log-normal shapes, and that languages
/// are equally frequent. Options: "spread_language" (0.35), "spread_difficulty" (1.0), "view_noise" (0.5).
[[nodiscard]] Result<std::unique_ptr<Environment>> make_llm_gateway(const nlohmann::json& options,
                                                                    const FileRoots& roots);

}  // namespace attune::sim
