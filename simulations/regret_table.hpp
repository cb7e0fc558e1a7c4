// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the commands share that compare the regret of policies: their names, tables and charts.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <attune/core/error.hpp>

#include "simulations/regret.hpp"

namespace attune::sim {

/// A policy to be measured, and what it is called in tables.
struct RegretEntry {
  std::string name;
  std::string spec;  ///< JSON text
};

/// `text` is the name of a policy or its JSON. Errors: invalid_config.
[[nodiscard]] Result<RegretEntry> read_policy_entry(const std::string& text);

/// A header and rows of as many cells.
using TableCells = std::vector<std::vector<std::string>>;
[[nodiscard]] std::string table_text(const TableCells& cells, bool markdown);

/// Writes the curves of all policies to FOLDER/NAME.svg, bands of two standard errors around them. Errors:
/// io.
[[nodiscard]] Result<void> write_regret_plot(const std::string& folder, const std::string& name,
                                             const std::string& about, std::span<const RegretEntry> entries,
                                             std::span<const Regret> regrets);

}  // namespace attune::sim
