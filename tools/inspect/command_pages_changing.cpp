// SPDX-License-Identifier: Apache-2.0
// Pages of the commands that change a store or make one.
#include "tools/inspect/command_pages.hpp"

namespace attune::tools {

std::vector<CommandInfo> changing_commands() { return {}; }

}  // namespace attune::tools
