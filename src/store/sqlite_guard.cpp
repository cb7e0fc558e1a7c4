// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_guard.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include <sqlite3.h>

#include "store/sqlite.hpp"

namespace attune::detail {
namespace {

constexpr int kBusyMilliseconds = 2000;

constexpr std::array<std::pair<int, int>, 12> kLimits{{
    {SQLITE_LIMIT_LENGTH, 1 << 29},  // the largest checkpoint; each record is checked against its own size
    {SQLITE_LIMIT_SQL_LENGTH, 100'000},
    {SQLITE_LIMIT_COLUMN, 100},
    {SQLITE_LIMIT_EXPR_DEPTH, 50},  // 10 is too few to parse our own views
    {SQLITE_LIMIT_COMPOUND_SELECT, 3},
    {SQLITE_LIMIT_VDBE_OP, 25'000},
    {SQLITE_LIMIT_FUNCTION_ARG, 8},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 300},  // rows are inserted 16 at a time
    {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
}};

// What the store's statements use. Everything else a hostile schema might smuggle in is denied at
// preparation.
int authorize(void* writing, int action, const char* first, const char* second, const char* /*database*/,
              const char* trigger_or_view) {
  if (trigger_or_view != nullptr) {
    return SQLITE_DENY;
  }
  const auto is_one_of = [](const char* name, std::initializer_list<std::string_view> names) {
    return name != nullptr && std::ranges::find(names, std::string_view(name)) != names.end();
  };
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_TRANSACTION:
      return SQLITE_OK;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
      return writing != nullptr ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:
      return is_one_of(second, {"max", "coalesce", "count", "length"}) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_PRAGMA:
      return is_one_of(first, {"quick_check", "secure_delete", "freelist_count", "page_size"}) ? SQLITE_OK
                                                                                               : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

}  // namespace

void harden(sqlite3* database) noexcept {
  sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  for (const int off :
       {SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW,
        SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL}) {
    sqlite3_db_config(database, off, 0, nullptr);
  }
  for (const auto& [limit, value] : kLimits) {
    sqlite3_limit(database, limit, value);
  }
  sqlite3_busy_timeout(database, kBusyMilliseconds);
}

void restrict_to_store(sqlite3* database, bool writing) noexcept {
  static char writable = 1;  // the authorizer only asks whether its argument is null
  sqlite3_set_authorizer(database, authorize, writing ? &writable : nullptr);
}

std::string percent_encoded(const std::string& path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '%' || c == '?' || c == '#' || byte < 0x20 || byte >= 0x7F) {
      encoded += {'%', kHex[byte >> 4U], kHex[byte & 0xFU]};
    } else {
      encoded += c;
    }
  }
  return encoded;
}

Result<Bytes> read_file_header(const std::string& path) {
  constexpr int kHeaderBytes = 100;
  sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
  if (vfs == nullptr) {
    return fail(Errc::io, "SQLite has no file system layer for '" + path + "'");
  }
  std::vector<char> full(static_cast<std::size_t>(vfs->mxPathname) + 1);
  vfs->xFullPathname(vfs, path.c_str(), static_cast<int>(full.size()), full.data());
  const char* name = sqlite3_create_filename(full.data(), "", "", 0, nullptr);
  if (name == nullptr) {
    throw std::bad_alloc();
  }
  std::vector<std::max_align_t> storage(static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::max_align_t) +
                                        1);
  auto* file = reinterpret_cast<sqlite3_file*>(storage.data());
  Bytes header(kHeaderBytes);
  int code = vfs->xOpen(vfs, name, file, SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB, nullptr);
  if (code == SQLITE_OK) {
    code = file->pMethods->xRead(file, header.data(), kHeaderBytes, 0);
  }
  if (file->pMethods != nullptr) {
    file->pMethods->xClose(file);
  }
  sqlite3_free_filename(name);
  if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) {
    return fail(Errc::io,
                "SQLite on '" + path + "': " + sqlite3_errstr(code) + " (code " + std::to_string(code) + ")");
  }
  return header;
}

}  // namespace attune::detail
