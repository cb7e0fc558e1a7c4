// SPDX-License-Identifier: Apache-2.0
/// @file
/// Opening a store: what every connection checks before anything is read, and nothing is changed until then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <attune/store/journal.hpp>

#include "store/row_writer.hpp"
#include "store/sqlite.hpp"
#include "store/writer_lock.hpp"

namespace attune::detail {

/// The one row of `head`.
struct Head {
  std::uint64_t position = 0;
  std::uint64_t chain = 0;
  KindCounts counts;
};

/// An open store. `lock` is declared first: it is let go after the connection is closed.
struct StoreFile {
  std::string path;
  std::optional<WriterLock> lock;
  Database database;
  std::string store_id;
  std::uint64_t device = 0;  ///< with inode: tells when the file was removed or replaced
  std::uint64_t inode = 0;
};

/// Opens or, for writing, creates. Errors: io, corrupt_state, unsupported_version.
[[nodiscard]] Result<StoreFile> open_store_file(const std::string& path, OpenMode mode);

/// Reads `head`. Errors: corrupt_state, io.
[[nodiscard]] Result<Head> read_head(const Database& database);

/// What the last records of the tables say against `head` and the lock file: a sentence for each
/// contradiction. They mean that acknowledged records are gone.
[[nodiscard]] Result<std::vector<std::string>> check_tail(const StoreFile& store, const Head& head,
                                                          const std::optional<WriterLock::Content>& witness);

/// The path still names the file that was opened.
[[nodiscard]] bool is_still_in_place(const StoreFile& store) noexcept;

/// Next value of the chain over all records.
[[nodiscard]] std::uint64_t chained(std::uint64_t chain, ByteView record) noexcept;

}  // namespace attune::detail
