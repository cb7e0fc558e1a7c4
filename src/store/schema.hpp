// SPDX-License-Identifier: Apache-2.0
/// @file
/// The tables of a store: how they are made and how an existing file is recognised. See docs/format/store.md.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <attune/core/serial.hpp>

#include "store/sqlite.hpp"

namespace attune::detail {

inline constexpr std::uint32_t kApplicationId = 0x6174746E;  ///< "attn", at offset 68 of the file
inline constexpr std::uint32_t kSchemaVersion = 2;           ///< PRAGMA user_version, at offset 60

/// A table or view with the text that made it.
struct SchemaObject {
  std::string_view name;
  std::string_view sql;
};
[[nodiscard]] std::span<const SchemaObject> tables_of_format_1() noexcept;
[[nodiscard]] std::span<const SchemaObject> tables_of_format_2() noexcept;
[[nodiscard]] std::span<const SchemaObject> views_of_format_2() noexcept;

/// Where records are, by kind.
inline constexpr std::array<std::string_view, 3> kRecordTables{"decisions", "outcomes", "events"};

/// The row of `head` in a journal without records.
inline constexpr std::string_view kFreshHead = "INSERT INTO head VALUES(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '')";

/// Makes the tables of an empty store in one transaction and leaves the file in WAL mode.
[[nodiscard]] Result<void> create_schema(Database& database);

/// Decides from the file's first 100 bytes whether it is a store that this version reads, and gives its
/// version, before SQLite opens it: opening alone may change a file. Errors: corrupt_state,
/// unsupported_version; sentences for the operator.
[[nodiscard]] Result<std::uint32_t> check_header(const std::string& path, std::uint64_t file_bytes,
                                                 ByteView header);

/// Checks that every table is exactly as its version made it and that nothing in the file runs by itself.
/// Errors: corrupt_state, io.
[[nodiscard]] Result<void> check_schema(const std::string& path, const Database& database,
                                        std::uint32_t version);

}  // namespace attune::detail
