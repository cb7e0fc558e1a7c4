// SPDX-License-Identifier: Apache-2.0
#include "engine/registry_builtin.hpp"

namespace attune::detail {

void append_agents(std::vector<RegistryEntry>& entries) { append_entries(entries, BuiltinAgents{}); }

}  // namespace attune::detail
