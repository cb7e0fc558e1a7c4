// SPDX-License-Identifier: Apache-2.0
/// @file
/// Administrative acts on an open store. Each runs inside its caller's write transaction
/// (SqliteJournal::run_act), writes its audit entry there and leaves `head` as the store then has it.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/store/admin.hpp>

#include "store/store_file.hpp"

namespace attune::detail {

[[nodiscard]] Result<CompactReport> compact(const StoreFile& store, Head& head, const RetainRule& rule,
                                            const Act& act);

[[nodiscard]] Result<EraseReport> erase_subject(const StoreFile& store, Head& head, std::uint64_t subject,
                                                std::uint32_t checkpoints, const Act& act);

/// Position that a rollback goes to, once everything that refuses it was looked at. Errors: invalid_argument.
[[nodiscard]] Result<std::uint64_t> rollback_target(const StoreFile& store, const Head& head,
                                                    const RollbackRequest& request);
[[nodiscard]] Result<RollbackReport> rollback(const StoreFile& store, Head& head, std::uint64_t target,
                                              const RollbackRequest& request, const Act& act);

/// Writes every number of `head` to its row, except those of the audit trail.
[[nodiscard]] Result<void> write_head(const Database& database, const Head& head);

/// How many blank rows for which `where` holds: a condition over the position ?1.
[[nodiscard]] Result<std::uint64_t> count_erased(const Database& database, std::string_view where,
                                                 std::uint64_t position);

/// Deletes the rows of all three tables for which `where` holds; how many of each kind.
[[nodiscard]] Result<KindCounts> delete_rows(const Database& database, std::string_view where,
                                             std::uint64_t position);

}  // namespace attune::detail
