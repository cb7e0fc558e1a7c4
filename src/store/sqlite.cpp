// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite.hpp"

#include <cstddef>
#include <system_error>

#include <sqlite3.h>

#include "store/sqlite_guard.hpp"

namespace attune::detail {
namespace {

[[nodiscard]] Error error_of(sqlite3* database, int code) {
  const int primary = code & 0xFF;
  const bool damaged = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
  const char* file = database != nullptr ? sqlite3_db_filename(database, "main") : nullptr;
  std::string message = "SQLite on '" + std::string(file != nullptr ? file : "") + "': ";
  message += database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  message += " (code " + std::to_string(code);
  const int system = database != nullptr ? sqlite3_system_errno(database) : 0;
  if (system != 0 && (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN || primary == SQLITE_FULL)) {
    message += ", " + std::generic_category().message(system);
  }
  return {damaged ? Errc::corrupt_state : Errc::io, message + ")"};
}

}  // namespace

void CloseDatabase::operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
void FinalizeStatement::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }

// -- Statement
// -------------------------------------------------------------------------------------------------

Statement& Statement::bind(int index, std::int64_t value) noexcept {
  bind_error_ |= sqlite3_bind_int64(statement_.get(), index, value);
  return *this;
}

Statement& Statement::bind(int index, double value) noexcept {
  bind_error_ |= sqlite3_bind_double(statement_.get(), index, value);
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) noexcept {
  const char* data = text.data() != nullptr ? text.data() : "";  // a null pointer would bind NULL
  bind_error_ |= sqlite3_bind_text64(statement_.get(), index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int index, ByteView blob) noexcept {
  const void* data = blob.data() != nullptr ? static_cast<const void*>(blob.data()) : "";
  bind_error_ |= sqlite3_bind_blob64(statement_.get(), index, data, blob.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_null(int index) noexcept {
  bind_error_ |= sqlite3_bind_null(statement_.get(), index);
  return *this;
}

Error Statement::take_error() {
  sqlite3* database = sqlite3_db_handle(statement_.get());
  Error error = error_of(database, sqlite3_extended_errcode(database));
  reset();
  return error;
}

Result<bool> Statement::step() {
  if (bind_error_ != SQLITE_OK) {
    return tl::unexpected(take_error());
  }
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code != SQLITE_DONE) {
    return tl::unexpected(take_error());
  }
  reset();
  return false;
}

Result<void> Statement::run() {
  Result<bool> row = step();
  while (row && *row) {
    row = step();
  }
  return row ? Result<void>{} : tl::unexpected(std::move(row).error());
}

void Statement::reset() noexcept {
  sqlite3_reset(statement_.get());
  bind_error_ = SQLITE_OK;
}

std::int64_t Statement::integer(int column) const noexcept {
  return sqlite3_column_int64(statement_.get(), column);
}

bool Statement::is_null(int column) const noexcept {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::string_view Statement::text(int column) const noexcept {
  const unsigned char* data = sqlite3_column_text(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data == nullptr
             ? std::string_view{}
             : std::string_view(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
}

ByteView Statement::blob(int column) const noexcept {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data == nullptr ? ByteView{}
                         : ByteView(static_cast<const std::byte*>(data), static_cast<std::size_t>(size));
}

// -- Database
// --------------------------------------------------------------------------------------------------

Result<Database> Database::open(const std::string& path, Access access) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
  flags |= access == Access::create  ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
           : access == Access::write ? SQLITE_OPEN_READWRITE
                                     : SQLITE_OPEN_READONLY;
  std::string name = path;
  if (access == Access::read_immutable) {
    flags |= SQLITE_OPEN_URI;
    name = "file:" + percent_encoded(path) + "?immutable=1";
  }
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &raw, flags, nullptr);
  Database opened;
  opened.database_.reset(raw);
  if (code != SQLITE_OK) {
    return tl::unexpected(error_of(raw, code));
  }
  const bool writing = access == Access::create || access == Access::write;
  if (writing && sqlite3_db_readonly(raw, "main") == 1) {
    // SQLite falls back to reading when the file cannot be opened for writing, and says so at the first
    // write.
    return fail(Errc::io,
                "'" + path +
                    "' can be read but not written; check the permissions of the file and whether its"
                    " file system is mounted read-only");
  }
  harden(raw);
  opened.checkpoint_on_close(false);
  return opened;
}

Result<Statement> Database::prepare(std::string_view sql) const {
  if (database_ == nullptr) {
    return fail(Errc::io, "the store's connection is closed after trouble with its disk");
  }
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) {
    return tl::unexpected(error());
  }
  return Statement(raw);
}

Result<void> Database::run(std::string_view sql) const {
  return prepare(sql).and_then([](Statement statement) { return statement.run(); });
}

Result<std::int64_t> Database::number(std::string_view sql, std::int64_t missing) const {
  return prepare(sql).and_then([missing](Statement statement) {
    return statement.step().map([&](bool row) { return row ? statement.integer(0) : missing; });
  });
}

std::int64_t Database::changed_rows() const noexcept { return sqlite3_changes64(database_.get()); }
bool Database::in_transaction() const noexcept {
  return database_ != nullptr && sqlite3_get_autocommit(database_.get()) == 0;
}
void Database::drop_cache() const noexcept { sqlite3_db_release_memory(database_.get()); }
Error Database::error() const { return error_of(database_.get(), sqlite3_extended_errcode(database_.get())); }

bool Database::failed_busy() const noexcept {
  const int primary = sqlite3_errcode(database_.get()) & 0xFF;
  return primary == SQLITE_BUSY || primary == SQLITE_LOCKED;
}

void Database::limit_length(int bytes) const noexcept {
  sqlite3_limit(database_.get(), SQLITE_LIMIT_LENGTH, bytes);
}

void Database::restrict_statements(bool writing) const noexcept {
  restrict_to_store(database_.get(), writing);
}

void Database::checkpoint_on_close(bool on) const noexcept {
  if (database_ == nullptr) {
    return;
  }
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on ? 0 : 1, nullptr);
}

// -- Transaction
// -----------------------------------------------------------------------------------------------

Result<Transaction> Transaction::begin(const Database& database, std::string_view how) {
  Result<void> begun = database.run(how);
  return begun ? Result<Transaction>(Transaction(database)) : tl::unexpected(std::move(begun).error());
}

Transaction::~Transaction() {
  // SQLite has already rolled back by itself after some errors; another failure here leaves nothing to do.
  if (database_ != nullptr && database_->in_transaction()) {
    const Result<void> ignored = database_->run("ROLLBACK");
  }
}

}  // namespace attune::detail
