// SPDX-License-Identifier: Apache-2.0
/// @file
/// What a run prints: the table for people, JSON and per-step CSV for programs.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/runner.hpp"
#include "simulations/scenario.hpp"

namespace attune::sim {

/// Title lines, the table, and what its columns mean.
[[nodiscard]] std::string result_table(const Scenario& scenario, const ScenarioResult& result);

/// Everything in numbers, without times: equal runs, equal text. Documented in docs/simulation.md;
/// "format": 1.
[[nodiscard]] nlohmann::json result_json(const Scenario& scenario, const ScenarioResult& result);

/// One line a step of each policy and seed. The courses must have been run with keep_steps. Errors: io.
[[nodiscard]] Result<void> write_steps_csv(const std::string& path, const Scenario& scenario,
                                           const ScenarioResult& result);

/// Writes a whole file, or says why not. Errors: io.
[[nodiscard]] Result<void> write_text_file(const std::string& path, const std::string& text);

/// Short sentences about how the run was set up, for table and report.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> run_facts(const Scenario& scenario);

}  // namespace attune::sim
