// SPDX-License-Identifier: Apache-2.0
/// @file
/// Rows of the table `audit`: administrative acts, each chained to the one before by SHA-256.
#pragma once

#include <string>
#include <string_view>

#include <attune/store/admin.hpp>

#include "store/sqlite.hpp"

namespace attune::detail {

/// What an act did, in words for people.
struct AuditText {
  std::string_view action;
  std::string subject;
  std::string before;
  std::string after;
};

/// Adds an entry. Runs inside the transaction of its act; time 0 becomes the system's. Errors: io.
[[nodiscard]] Result<void> add_audit(const Database& database, const Act& act, const AuditText& text);

/// Reads all entries and checks every link. Errors: io, corrupt_state (SQLite cannot read the table).
[[nodiscard]] Result<AuditTrail> read_audit_rows(const Database& database);

}  // namespace attune::detail
