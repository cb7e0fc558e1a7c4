// SPDX-License-Identifier: Apache-2.0
/// @file
/// Rows of the table `checkpoints`: written sealed, trusted only after the seal and the digest were checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <attune/store/journal.hpp>

#include "store/sqlite.hpp"

namespace attune::detail {

/// Row without its state, as stored; `damage` says why it cannot be trusted, empty if it can.
struct CheckpointRow {
  CheckpointInfo info;
  std::uint64_t chain = 0;
  std::string codec;
  std::uint64_t stored_bytes = 0;
  std::string damage;
};

/// Inserts a checkpoint. Runs inside its caller's transaction. Errors: io.
[[nodiscard]] Result<void> insert_checkpoint(const Database& database, const CheckpointInfo& info,
                                             std::uint64_t chain, ByteView state);

/// All rows, oldest first, seals checked. Errors: io, corrupt_state.
[[nodiscard]] Result<std::vector<CheckpointRow>> list_checkpoints(const Database& database);

/// The state of a checkpoint, whole and with the right digest.
/// Errors: corrupt_state (a clause that continues "checkpoint 7: "), io.
[[nodiscard]] Result<Bytes> read_state(const Database& database, const CheckpointInfo& info);

/// Newest checkpoint that can be trusted and does not lie beyond `last_position`; a sentence for each one
/// passed over.
[[nodiscard]] Result<std::optional<Checkpoint>> find_checkpoint(const Database& database,
                                                                std::uint64_t last_position,
                                                                std::vector<std::string>* skipped);

}  // namespace attune::detail
