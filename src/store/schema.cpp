// SPDX-License-Identifier: Apache-2.0
#include "store/schema.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace attune::detail {
namespace {

[[nodiscard]] std::span<const SchemaObject> tables_of(std::uint32_t version) noexcept {
  return version == 1 ? tables_of_format_1() : tables_of_format_2();
}

[[nodiscard]] std::uint32_t big_endian(ByteView bytes, std::size_t at) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8U | std::to_integer<std::uint32_t>(bytes[at + i]);
  }
  return value;
}

}  // namespace

Result<void> create_schema(Database& database) {
  // Truth, order and place of every statement are fixed: two new stores differ in their id only.
  Result<void> done = database.run("PRAGMA application_id = " + std::to_string(kApplicationId));
  const auto then = [&](std::string_view sql) {
    if (done) {
      done = database.run(sql);
    }
  };
  then("PRAGMA synchronous = FULL");
  then("BEGIN EXCLUSIVE");
  then("PRAGMA user_version = " + std::to_string(kSchemaVersion));
  for (const SchemaObject& object : tables_of_format_2()) {
    then(object.sql);
  }
  for (const SchemaObject& view : views_of_format_2()) {
    then(view.sql);
  }
  then(kFreshHead);
  then("INSERT INTO meta VALUES('store_id', lower(hex(randomblob(16))))");
  then("COMMIT");
  then("PRAGMA journal_mode = WAL");
  return done;
}

Result<std::uint32_t> check_header(const std::string& path, std::uint64_t file_bytes, ByteView header) {
  constexpr std::string_view kMagic{"SQLite format 3\0", 16};
  constexpr std::size_t kVersionOffset = 60;
  constexpr std::size_t kApplicationOffset = 68;
  const std::string kept = "; nothing was changed. Name another path, or move that file away";
  if (file_bytes == 0) {
    return fail(Errc::corrupt_state, "'" + path + "' is an empty file, not an attune store" + kept);
  }
  const std::string_view front(reinterpret_cast<const char*>(header.data()), header.size());
  if (!front.starts_with(kMagic)) {
    return fail(
        Errc::corrupt_state,
        "'" + path + "' is not an attune store, or its first bytes are damaged (no SQLite file)" + kept);
  }
  const std::uint32_t application = big_endian(header, kApplicationOffset);
  if (application != kApplicationId) {
    return fail(Errc::corrupt_state, "'" + path +
                                         "' is an SQLite database of another program (application_id " +
                                         std::to_string(application) + ", attune has " +
                                         std::to_string(kApplicationId) + ")" + kept);
  }
  const std::uint32_t version = big_endian(header, kVersionOffset);
  if (version == 0 || version > kSchemaVersion) {
    return fail(Errc::unsupported_version,
                "'" + path + "' has store version " + std::to_string(version) +
                    " and this attune reads versions 1 to " + std::to_string(kSchemaVersion) +
                    "; nothing was changed. Open it with the attune that wrote it");
  }
  return version;
}

Result<void> check_schema(const std::string& path, const Database& database, std::uint32_t version) {
  const std::span<const SchemaObject> tables = tables_of(version);
  Result<Statement> rows = database.prepare("SELECT type, name, sql FROM sqlite_schema");
  if (!rows) {
    return tl::unexpected(std::move(rows).error());
  }
  std::size_t found = 0;
  Result<bool> row = rows->step();
  for (; row && *row; row = rows->step()) {
    const std::string_view type = rows->text(0);
    const std::string_view name = rows->text(1);
    if (type == "trigger" || rows->text(2).starts_with("CREATE VIRTUAL")) {
      return fail(Errc::corrupt_state, "'" + path + "' has a " + std::string(type) + " named '" +
                                           std::string(name) +
                                           "' that attune did not make; drop it with the sqlite3 shell");
    }
    const auto same_name = [&](const SchemaObject& object) { return object.name == name; };
    const auto table = std::ranges::find_if(tables, same_name);
    if (table == tables.end()) {
      continue;  // somebody's own table, index or view: never read
    }
    if (type != "table" || rows->text(2) != table->sql) {
      return fail(
          Errc::corrupt_state,
          "'" + path + "': " + std::string(type) + " '" + std::string(name) +
              "' is not as attune made it: the file is damaged or was altered. Restore it from a copy");
    }
    ++found;
  }
  if (!row) {
    return tl::unexpected(std::move(row).error());
  }
  if (found != tables.size()) {
    return fail(Errc::corrupt_state, "'" + path + "' lacks " + std::to_string(tables.size() - found) +
                                         " of the tables of a store: it is damaged. Restore it from a copy");
  }
  return {};
}

}  // namespace attune::detail
