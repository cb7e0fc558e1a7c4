// SPDX-License-Identifier: Apache-2.0
/// @file
/// SQLite handles that close themselves and report errors as Result. Nothing above this file calls sqlite3_*.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <attune/core/serial.hpp>

struct sqlite3;
struct sqlite3_stmt;

namespace attune::detail {

struct CloseDatabase {
  void operator()(sqlite3* database) const noexcept;
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const noexcept;
};

/// A prepared statement. Bound texts and blobs are not copied: they live until the statement has run.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) noexcept : statement_(statement) {}

  Statement& bind(int index, std::int64_t value) noexcept;
  Statement& bind(int index, std::uint64_t value) noexcept {
    return bind(index, static_cast<std::int64_t>(value));
  }
  /// NaN is stored as NULL.
  Statement& bind(int index, double value) noexcept;
  Statement& bind(int index, std::string_view text) noexcept;
  Statement& bind(int index, ByteView blob) noexcept;
  Statement& bind_null(int index) noexcept;

  /// True: there is a row to look at. False: it is done, and reset. Errors: io, corrupt_state; it is then
  /// reset.
  [[nodiscard]] Result<bool> step();
  /// Runs a statement that gives no rows.
  [[nodiscard]] Result<void> run();
  void reset() noexcept;

  [[nodiscard]] std::int64_t integer(int column) const noexcept;
  [[nodiscard]] std::uint64_t count(int column) const noexcept {
    return static_cast<std::uint64_t>(integer(column));
  }
  [[nodiscard]] bool is_null(int column) const noexcept;
  /// Views live until the next step() or reset().
  [[nodiscard]] std::string_view text(int column) const noexcept;
  [[nodiscard]] ByteView blob(int column) const noexcept;

 private:
  [[nodiscard]] Error take_error();
  std::unique_ptr<sqlite3_stmt, FinalizeStatement> statement_;
  int bind_error_ = 0;
};

/// A connection, used by one thread at a time.
class Database {
 public:
  enum class Access : std::uint8_t { create, write, read, read_immutable };

  Database() = default;
  /// Opens with every defence that SQLite has against hostile files switched on (docs/format/store.md).
  [[nodiscard]] static Result<Database> open(const std::string& path, Access access);

  [[nodiscard]] Result<Statement> prepare(std::string_view sql) const;
  [[nodiscard]] Result<void> run(std::string_view sql) const;
  /// First column of the first row; `missing` when there is no row.
  [[nodiscard]] Result<std::int64_t> number(std::string_view sql, std::int64_t missing = 0) const;
  [[nodiscard]] std::int64_t changed_rows() const noexcept;
  [[nodiscard]] bool in_transaction() const noexcept;
  /// From now on only statements that the store itself uses can be prepared.
  void restrict_statements(bool writing) const noexcept;
  /// Whether closing the last connection moves the write-ahead log into the file; at first it does not.
  void checkpoint_on_close(bool on) const noexcept;
  /// Forgets cached pages, so that the next read comes from the file.
  void drop_cache() const noexcept;
  [[nodiscard]] Error error() const;
  /// Whether the last call that failed did so because somebody else holds a lock: nothing was tried then.
  [[nodiscard]] bool failed_busy() const noexcept;
  /// Largest text or blob that is read or written from now on.
  void limit_length(int bytes) const noexcept;

  /// From now on the write-ahead log is moved into the file by move_log() alone, so that its errors are seen.
  void take_over_log();
  /// Pages in the write-ahead log after the last commit of this connection.
  [[nodiscard]] int log_pages() const noexcept { return log_pages_ != nullptr ? *log_pages_ : 0; }
  /// Moves as much of the log into the file as readers allow; with `wait` all of it, and empties it.
  [[nodiscard]] Result<void> move_log(bool wait = false) const;
  /// Writes the bytes of the log over themselves and flushes it: see docs/store.md on failed flushes.
  [[nodiscard]] Result<void> rewrite_log() const;

 private:
  std::unique_ptr<int> log_pages_;  // declared first: the connection holds its address
  std::unique_ptr<sqlite3, CloseDatabase> database_;
};

/// Ends a transaction on every way out: what is not committed is rolled back.
class Transaction {
 public:
  /// `how`: "BEGIN" to see one moment of the file, "BEGIN IMMEDIATE" to write.
  [[nodiscard]] static Result<Transaction> begin(const Database& database, std::string_view how = "BEGIN");
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  [[nodiscard]] Result<void> commit() { return database_->run("COMMIT"); }

 private:
  explicit Transaction(const Database& database) noexcept : database_(&database) {}
  const Database* database_;
};

/// First 100 bytes of a file, read through SQLite's own file layer: closing a descriptor of our own would
/// drop the POSIX locks that another connection of this process holds on the file. Shorter files are filled
/// with zeros.
[[nodiscard]] Result<Bytes> read_file_header(const std::string& path);

}  // namespace attune::detail
