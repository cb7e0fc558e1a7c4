// SPDX-License-Identifier: Apache-2.0
/// @file
/// What a connection must not do, whatever the file says: SQLite's defences, limits and statement filter.
#pragma once

#include <string>

struct sqlite3;

namespace attune::detail {

/// Switches on the defences and lowers the limits. Called on every connection before anything is read.
void harden(sqlite3* database) noexcept;
/// Installs an authorizer that lets only the store's own kinds of statement be prepared.
void restrict_to_store(sqlite3* database, bool writing) noexcept;
/// `path` as the path of a "file:" URI.
[[nodiscard]] std::string percent_encoded(const std::string& path);

}  // namespace attune::detail
