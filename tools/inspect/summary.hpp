// SPDX-License-Identifier: Apache-2.0
/// @file
/// What summary and doctor look at.
#pragma once

#include <cstdint>
#include <vector>

#include <attune/engine/engine.hpp>

#include "tools/inspect/store_reader.hpp"

namespace attune::tools {

/// Records counted in the time before the last one.
struct Rate {
  Nanos window = 0;  ///< what was counted spans this; less than asked for where the journal is younger
  std::uint64_t decisions = 0;
  std::uint64_t outcomes = 0;
};
[[nodiscard]] Result<Rate> rate_before_end(StoreReader& reader, Nanos window);

/// What each point has learned, still waits for, and holds back. Derived as a restart would: the newest
/// checkpoint, and the records after it. Errors: those of fold_to.
[[nodiscard]] Result<std::vector<PointMetrics>> metrics_of(StoreReader& reader);

}  // namespace attune::tools
