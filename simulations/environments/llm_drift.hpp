// SPDX-License-Identifier: Apache-2.0
/// @file
/// A recorded model update: two model names whose quality, cost and latency change at one step, as they did
/// in 2023.
#pragma once

#include <memory>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/environment.hpp"
#include "simulations/environment_factory.hpp"

namespace attune::sim {

/// The llmdrift data: gpt-3.5-turbo and gpt-4, each answered by its older snapshot (0301, 0314) before the
/// switch and by its newer one (0613) from then on. Components "quality", "cost" (USD), "latency" (s); the
/// category is the task.
///
/// Options: "tasks" (default is_prime and counthappynumber, the two that turned), "switch_at" (step, default
/// 3000), "length" (steps, default 6000). Queries are gone through in a shuffled order, again and again.
[[nodiscard]] Result<std::unique_ptr<Environment>> make_llm_drift(const nlohmann::json& options,
                                                                  const FileRoots& roots);

}  // namespace attune::sim
