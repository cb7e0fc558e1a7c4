// SPDX-License-Identifier: Apache-2.0
/// @file
/// Opening a store: what every connection checks before anything is read, and nothing is changed until then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <attune/store/journal.hpp>

#include "store/row_writer.hpp"
#include "store/seal.hpp"
#include "store/sqlite.hpp"
#include "store/writer_lock.hpp"

namespace attune::detail {

/// The one row of `head`.
struct Head {
  std::uint64_t position = 0;
  std::uint64_t chain = 0;
  KindCounts counts;              ///< ever written
  std::uint64_t first = 0;        ///< last position that retention removed
  std::uint64_t first_chain = 0;  ///< the chain behind it
  std::uint64_t erased = 0;       ///< records there are, but blank
  std::uint64_t last_erased = 0;  ///< newest that ever was
};

/// An open store. `lock` is declared first: it is let go after the connection is closed.
struct StoreFile {
  std::string path;
  std::optional<WriterLock> lock;
  Database database;
  std::uint32_t version = 0;
  std::string_view suffix{};  ///< of the names of tables: while format 1 is migrated
  SealKeys keys;
  std::string store_id;
  WriterLock::Line witness;        ///< the lock file as it was before opening
  std::vector<std::string> notes;  ///< what was met on the way, for the operator
  std::uint64_t device = 0;        ///< with inode: tells when the file was removed or replaced
  std::uint64_t inode = 0;
};

/// Opens or, for writing, creates or migrates. Errors: io, corrupt_state, unsupported_version;
/// invalid_argument.
[[nodiscard]] Result<StoreFile> open_store_file(const std::string& path, const StoreOptions& options);

/// Closes the connection of a store that is open for writing, and opens a new one under the same lock.
/// Statements of the old one must be gone. Errors: as above; then there is no connection.
[[nodiscard]] Result<void> reopen_store_file(StoreFile& store);

/// Reads `head`. Errors: corrupt_state, io.
[[nodiscard]] Result<Head> read_head(const StoreFile& store);

/// The chain behind a position; no value where the store does not tell (format 1, or no such record).
[[nodiscard]] Result<std::optional<std::uint64_t>> chain_at(const StoreFile& store, const Head& head,
                                                            std::uint64_t position);

/// A sentence when the lock file knows of acknowledged records that are not there; else empty.
[[nodiscard]] std::string lost_records(const StoreFile& store, const Head& head);

/// What the last records of the tables say against `head` and the lock file: a sentence for each
/// contradiction. They mean that acknowledged records are gone.
[[nodiscard]] Result<std::vector<std::string>> check_tail(const StoreFile& store, const Head& head);

/// The path still names the file that was opened.
[[nodiscard]] bool is_still_in_place(const StoreFile& store) noexcept;

/// Next value of the chain over all records.
[[nodiscard]] std::uint64_t chained(std::uint64_t chain, ByteView record) noexcept;

}  // namespace attune::detail
