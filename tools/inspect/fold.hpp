// SPDX-License-Identifier: Apache-2.0
/// @file
/// The state that a store's records give, at the journal's end or at an earlier record. Nothing in the store
/// is changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <attune/engine/replay.hpp>

#include "tools/inspect/store_reader.hpp"

namespace attune::tools {

/// Where a replay of this store reads from. The reader must outlive it.
[[nodiscard]] ReplaySource replay_source(StoreReader& reader);

/// A state and where it came from.
struct FoldedState {
  Replay replay;
  std::optional<std::uint64_t>
      checkpoint;  ///< number of the one it was folded from; none: from the first record
};

/// Folds records up to `position`, from the newest sound checkpoint at or before it. Errors: those of Replay,
/// and invalid_argument when records before `position` are gone and no checkpoint has what they said.
[[nodiscard]] Result<FoldedState> fold_to(StoreReader& reader, std::uint64_t position);

/// Position that "123" or "c7" (checkpoint 7) names; no text: the journal's end. Errors: invalid_argument.
[[nodiscard]] Result<std::uint64_t> position_named(StoreReader& reader,
                                                   const std::optional<std::string>& text);

}  // namespace attune::tools
