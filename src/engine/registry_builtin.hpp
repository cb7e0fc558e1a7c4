// SPDX-License-Identifier: Apache-2.0
/// @file
/// The entries of the built-in algorithms, one source file a family: each erased handle is compiled once,
/// there.
#pragma once

#include <vector>

#include <attune/engine/registry.hpp>
#include <attune/policies/builtin.hpp>

namespace attune::detail {

void append_bandits(std::vector<RegistryEntry>& entries);
void append_agents(std::vector<RegistryEntry>& entries);
void append_optimizers(std::vector<RegistryEntry>& entries);
void append_learners(std::vector<RegistryEntry>& entries);
void append_sets(std::vector<RegistryEntry>& entries);

template <class... Types>
void append_entries(std::vector<RegistryEntry>& entries, TypeList<Types...> /*list*/) {
  (entries.push_back(registry_entry<Types>()), ...);
}

}  // namespace attune::detail
