// SPDX-License-Identifier: Apache-2.0
/// @file
/// Rows of the table `checkpoints`: written sealed, trusted only after the seal and the hashes were checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <attune/store/journal.hpp>

#include "store/chunk_rows.hpp"
#include "store/store_file.hpp"

namespace attune::detail {

/// Row as stored; `damage` says why it cannot be trusted, empty if it can.
struct CheckpointRow {
  CheckpointInfo info;
  std::uint64_t chain = 0;
  std::uint64_t slot = 0;
  std::string key_id;
  std::vector<Sha256> chunks;
  std::string codec;               ///< format 1: of the state
  std::uint64_t stored_bytes = 0;  ///< format 1: of the state
  SealVerdict seal = SealVerdict::broken;
  std::string damage;
};

/// Inserts a checkpoint into `slot`; only chunks that the slot lacks are written. Runs inside its caller's
/// transaction. Errors: io.
[[nodiscard]] Result<void> insert_checkpoint(const Database& database, const SealKeys& keys,
                                             const CheckpointInfo& info, std::uint64_t chain,
                                             std::uint64_t slot, const ChunkedState& state);

/// The slot for the next checkpoint: not that of the newest one. Errors: io.
[[nodiscard]] Result<std::uint64_t> next_slot(const Database& database);

/// Reads every chunk of a checkpoint back from the file. One that is not what was written, because an older
/// checkpoint of the slot had it already and it was damaged since, is written anew, and read again.
/// Errors: corrupt_state, io.
[[nodiscard]] Result<void> verify_written(const StoreFile& store, std::uint64_t slot,
                                          const ChunkedState& state);

/// Removes the checkpoints for which `where` holds, and their chunks. Gives how many. Runs inside its
/// caller's transaction. `where` is a condition over one bound number: "number <= ?1".
[[nodiscard]] Result<std::uint64_t> remove_checkpoints(const Database& database, std::string_view where,
                                                       std::uint64_t bound);

/// All rows, oldest first, seals checked. Errors: io, corrupt_state.
[[nodiscard]] Result<std::vector<CheckpointRow>> list_checkpoints(const StoreFile& store);

/// The state of a checkpoint, whole and with the right digest.
/// Errors: corrupt_state (a clause that continues "checkpoint 7: "), io.
[[nodiscard]] Result<Bytes> read_state(const StoreFile& store, const CheckpointRow& row);

/// Why no engine can be recovered from this checkpoint although it may be whole: the journal after it is not
/// there or not the one that it was taken over. Empty: one can. Errors: io.
[[nodiscard]] Result<std::string> obstacle(const StoreFile& store, const Head& head,
                                           const CheckpointRow& row);

/// The rows that can be recovered from, newest first, states read and checked; at most `enough`.
/// `skipped` (may be null) gets a sentence for each one passed over. Errors: io.
[[nodiscard]] Result<std::vector<CheckpointRow>> usable_checkpoints(const StoreFile& store, const Head& head,
                                                                    std::size_t enough,
                                                                    std::vector<std::string>* skipped,
                                                                    Bytes* newest_state = nullptr);

}  // namespace attune::detail
