// SPDX-License-Identifier: Apache-2.0
/// @file
/// From the words of a command line to Options.
#pragma once

#include <string>
#include <vector>

#include "tools/inspect/options.hpp"

namespace attune::tools {

/// Reads the words behind the program's name: "STORE COMMAND ...", "COMMAND STORE ..." or "help COMMAND".
/// Errors: invalid_argument, one sentence that names the word at fault.
[[nodiscard]] Result<Options> parse_command_line(const std::vector<std::string>& given);

}  // namespace attune::tools
