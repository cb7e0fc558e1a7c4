// SPDX-License-Identifier: Apache-2.0
#include "engine/registry_builtin.hpp"

namespace attune::detail {

void append_bandits(std::vector<RegistryEntry>& entries) { append_entries(entries, BuiltinBandits{}); }

}  // namespace attune::detail
