// SPDX-License-Identifier: Apache-2.0
/// @file
/// What summary and doctor look at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <attune/rewards/collector.hpp>

#include "tools/inspect/store_reader.hpp"

namespace attune::tools {

/// Records counted in the time before the last one.
struct Rate {
  Nanos window = 0;  ///< what was counted spans this; less than asked for where the journal is younger
  std::uint64_t decisions = 0;
  std::uint64_t outcomes = 0;
};
[[nodiscard]] Result<Rate> rate_before_end(StoreReader& reader, Nanos window);

/// What one point has learned and still waits for.
struct PointPending {
  std::string point;
  std::string policy;
  std::size_t pending = 0;
  CollectorCounters counters;
  std::uint64_t refused_rewards = 0;
  std::uint64_t arm_gone = 0;
};
/// Derived as a restart would: the newest checkpoint, and the records after it. Errors: those of fold_to.
[[nodiscard]] Result<std::vector<PointPending>> pending_of(StoreReader& reader);

}  // namespace attune::tools
