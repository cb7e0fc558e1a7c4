// SPDX-License-Identifier: Apache-2.0
/// @file
/// The propensities that decisions were made without, found afterwards.
#pragma once

#include <cstdint>
#include <unordered_map>

#include <attune/engine/replay.hpp>

#include "tools/inspect/store_reader.hpp"

namespace attune::tools {

struct FoundPropensity {
  double value = 0.0;
  PropensityMethod method = PropensityMethod::closed_form;
  double error = 0.0;  ///< see Propensities::error
};

/// By position, of the decisions in records `first` to `last` that have none: see Replay::fill_propensities.
/// Those that cannot be found are left out. Errors: those of Replay.
[[nodiscard]] Result<std::unordered_map<std::uint64_t, FoundPropensity>> open_propensities(
    StoreReader& reader, std::uint64_t first, std::uint64_t last);

}  // namespace attune::tools
