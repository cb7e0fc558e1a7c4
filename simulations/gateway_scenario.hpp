// SPDX-License-Identifier: Apache-2.0
/// @file
/// The scenario of the main job: an LLM gateway on recorded requests, or on simulated ones where there are
/// none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <attune/core/error.hpp>

#include "simulations/environment_factory.hpp"
#include "simulations/scenario.hpp"

namespace attune::sim {

struct GatewaySettings {
  bool recorded = true;  ///< llmrouter-uiuc, else the simulated gateway
  std::uint64_t seeds = 10;
  std::uint64_t horizon = 0;  ///< 0: all there is
  double cost_weight = -1.0;  ///< reward = quality - cost_weight * USD; below 0: the default of the data
};

/// The gateway with all policies. Errors: as make_scenario().
[[nodiscard]] Result<Scenario> make_gateway_scenario(const GatewaySettings& settings, const FileRoots& roots);

/// Name of the policy whose run is killed and resumed.
inline constexpr std::string_view kProofPolicy = "lin_ucb";

}  // namespace attune::sim
