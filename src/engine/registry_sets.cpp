// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/builtin_sets.hpp>

#include "engine/registry_builtin.hpp"

namespace attune::detail {

// Bandits whose action is more than one arm of a list.
void append_sets(std::vector<RegistryEntry>& entries) {
  append_entries(entries, BuiltinSlateBandits{});
  append_entries(entries, BuiltinDuelingBandits{});
  append_entries(entries, BuiltinContinuousBandits{});
}

}  // namespace attune::detail
