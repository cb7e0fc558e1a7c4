// SPDX-License-Identifier: Apache-2.0
/// @file
/// Decisions and outcomes in words and in JSON.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "tools/inspect/found_records.hpp"

namespace attune::tools {

/// "quality=1 cost=0.5".
[[nodiscard]] std::string components_text(const FoundOutcome& outcome, int digits);
/// The arm, or an optimizer's parameters.
[[nodiscard]] std::string choice_text(const FoundDecision& decision);
[[nodiscard]] std::string propensity_text(double propensity);
[[nodiscard]] nlohmann::ordered_json outcome_json(const FoundOutcome& outcome);
[[nodiscard]] nlohmann::ordered_json decision_json(const FoundDecision& decision, const std::string& point);

}  // namespace attune::tools
