// SPDX-License-Identifier: Apache-2.0
#include "engine/registry_builtin.hpp"

namespace attune::detail {

void append_learners(std::vector<RegistryEntry>& entries) { append_entries(entries, BuiltinLearners{}); }

}  // namespace attune::detail
