// SPDX-License-Identifier: Apache-2.0
/// @file
/// An engine over a store that changes nothing in it: the state at the journal's end or at an earlier record.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <attune/engine/engine.hpp>

#include "tools/inspect/store_reader.hpp"

namespace attune::tools {

/// A state and where it came from.
struct FoldedEngine {
  Engine engine;
  std::uint64_t position = 0;           ///< the state contains the records up to here
  std::optional<CheckpointInfo> start;  ///< the checkpoint it was folded from; none: from the first record
};

/// Makes an engine of the store's own configuration and folds records into it up to `position`, from the
/// newest sound checkpoint at or before it. What the engine writes goes nowhere; its clock stands still.
/// Errors: invalid_argument (no such position, nothing to begin from), invalid_config, corrupt_state, io.
[[nodiscard]] Result<FoldedEngine> fold_to(StoreReader& reader, std::uint64_t position);

/// The same from a given start; no checkpoint: from the first record. `config` is used as it is, but for its
/// threads.
[[nodiscard]] Result<FoldedEngine> fold_from(StoreReader& reader, const std::string& config,
                                             std::optional<Checkpoint> start, std::uint64_t position);

/// The configuration kept in the store. Errors: invalid_argument when there is none.
[[nodiscard]] Result<std::string> stored_config(StoreReader& reader);

/// Position that "123" or "c7" (checkpoint 7) names; no text: the journal's end. Errors: invalid_argument.
[[nodiscard]] Result<std::uint64_t> position_named(StoreReader& reader,
                                                   const std::optional<std::string>& text);

}  // namespace attune::tools
