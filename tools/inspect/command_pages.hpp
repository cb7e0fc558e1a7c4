// SPDX-License-Identifier: Apache-2.0
/// @file
/// The commands in three parts, each in a file of its own: what looks, what derives again, what changes.
#pragma once

#include <vector>

#include "tools/inspect/command_table.hpp"

namespace attune::tools {

[[nodiscard]] std::vector<CommandInfo> looking_commands();
[[nodiscard]] std::vector<CommandInfo> deriving_commands();
[[nodiscard]] std::vector<CommandInfo> changing_commands();

}  // namespace attune::tools
