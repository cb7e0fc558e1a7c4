// SPDX-License-Identifier: Apache-2.0
/// @file
/// Worlds for bandits whose action is more than one arm of a list: slates, pairs, continuous actions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/regret.hpp"

namespace attune::sim {

/// A problem that policies of one family are compared on.
struct SetWorld {
  std::string name;
  std::string about;  ///< one sentence, with what regret means here
  std::uint64_t horizon = 0;
  std::uint64_t runs = 0;
  std::vector<std::string> policies;  ///< names or JSON, shown by default
  /// A run of the policy that `spec` describes; "uniform" chooses uniformly and learns nothing. Errors:
  /// invalid_config.
  std::function<Result<Play>(const nlohmann::json& spec, std::uint64_t seed)> start;
};

/// Users who pay for items, click from the top, or rate the whole list.
[[nodiscard]] std::vector<SetWorld> slate_worlds();
/// Costs of an action between 0 and 1: convex, with a kink, with two valleys, following a context.
[[nodiscard]] std::vector<SetWorld> continuous_worlds();
/// Arms of known strengths, and, where the recorded data is found, language models that people compared.
/// Errors: parse.
[[nodiscard]] Result<std::vector<SetWorld>> duel_worlds();

}  // namespace attune::sim
