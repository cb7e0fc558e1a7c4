// SPDX-License-Identifier: Apache-2.0
// What a Database does with its write-ahead log.
#include <algorithm>
#include <array>
#include <cstddef>

#include <sqlite3.h>

#include "store/sqlite.hpp"

namespace attune::detail {
namespace {

int note_pages(void* pages, sqlite3* /*database*/, const char* /*name*/, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

}  // namespace

void Database::take_over_log() {
  log_pages_ = std::make_unique<int>(0);
  sqlite3_wal_hook(database_.get(), note_pages, log_pages_.get());  // replaces SQLite's own hook
}

Result<void> Database::move_log(bool wait) const {
  const int how = wait ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  const int code = sqlite3_wal_checkpoint_v2(database_.get(), "main", how, nullptr, nullptr);
  return code == SQLITE_OK ? Result<void>{} : tl::unexpected(error());
}

Result<void> Database::rewrite_log() const {
  sqlite3_file* log = nullptr;
  sqlite3_int64 size = 0;
  if (sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log)) !=
          SQLITE_OK ||
      log == nullptr || log->pMethods == nullptr) {
    return {};  // no log
  }
  int code = log->pMethods->xFileSize(log, &size);
  std::array<std::byte, std::size_t{1} << 16U> part{};
  for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size; at += static_cast<sqlite3_int64>(part.size())) {
    const int bytes = static_cast<int>(std::min<sqlite3_int64>(size - at, part.size()));
    code = log->pMethods->xRead(log, part.data(), bytes, at);
    if (code == SQLITE_OK) {
      code = log->pMethods->xWrite(log, part.data(), bytes, at);
    }
  }
  if (code == SQLITE_OK && size > 0) {
    code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  }
  return code == SQLITE_OK
             ? Result<void>{}
             : fail(Errc::io, std::string("SQLite could not rewrite its write-ahead log: ") +
                                  sqlite3_errstr(code) + " (code " + std::to_string(code) + ")");
}

}  // namespace attune::detail
