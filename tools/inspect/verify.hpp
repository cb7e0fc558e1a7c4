// SPDX-License-Identifier: Apache-2.0
/// @file
/// Whether the records lead from each checkpoint to the next.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/inspect/store_reader.hpp"

namespace attune::tools {

struct ReplayVerdict {
  std::uint64_t proven = 0;           ///< checkpoints whose state came out again, bit for bit
  std::uint64_t converted = 0;        ///< the same, but their bytes are of an older state format
  std::uint64_t records = 0;          ///< folded for that
  std::vector<std::string> broken;    ///< sentences: stretches that lead to another state
  std::vector<std::string> unproven;  ///< sentences: what could not be replayed, and why
};

/// Errors: corrupt_state, io.
[[nodiscard]] Result<ReplayVerdict> replay_checkpoints(StoreReader& reader);

}  // namespace attune::tools
