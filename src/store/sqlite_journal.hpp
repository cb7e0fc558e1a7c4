// SPDX-License-Identifier: Apache-2.0
/// @file
/// SqliteJournal: the journal in an SQLite file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <attune/store/journal.hpp>

#include "core/failpoint.hpp"
#include "store/chunk_rows.hpp"
#include "store/row_writer.hpp"
#include "store/store_file.hpp"

namespace attune::detail {

/// While it lives, bytes that are deleted are overwritten with zeros.
class ZeroedPages {
 public:
  explicit ZeroedPages(const Database& database) noexcept : database_(database) {
    const Result<void> ignored = database_.run("PRAGMA secure_delete = ON");
  }
  ~ZeroedPages() { const Result<void> ignored = database_.run("PRAGMA secure_delete = OFF"); }
  ZeroedPages(const ZeroedPages&) = delete;
  ZeroedPages& operator=(const ZeroedPages&) = delete;
  ZeroedPages(ZeroedPages&&) = delete;
  ZeroedPages& operator=(ZeroedPages&&) = delete;

 private:
  const Database& database_;
};

class SqliteJournal final : public Journal {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SqliteJournal>> open(const std::string& path,
                                                                   const StoreOptions& options);
  ~SqliteJournal() override;
  SqliteJournal(const SqliteJournal&) = delete;
  SqliteJournal& operator=(const SqliteJournal&) = delete;
  SqliteJournal(SqliteJournal&&) = delete;
  SqliteJournal& operator=(SqliteJournal&&) = delete;

  Result<void> append(std::span<const ByteView> records) override;
  Result<CheckpointInfo> append(std::span<const ByteView> records, ByteView state, Nanos time,
                                std::string_view config_digest, std::uint32_t keep) override;
  [[nodiscard]] std::uint64_t last_position() const noexcept override { return head_.position; }
  [[nodiscard]] std::uint64_t first_position() const noexcept override { return head_.first + 1; }
  Result<void> read(std::uint64_t first, const std::function<bool(ByteView)>& visit) override;
  Result<std::optional<Checkpoint>> newest_checkpoint(std::vector<std::string>* skipped) override;
  Result<std::vector<CheckpointInfo>> checkpoints() override;
  Result<std::optional<std::string>> meta(std::string_view key) override;
  Result<void> set_meta(std::string_view key, std::string_view value) override;
  [[nodiscard]] std::string describe() const override { return "SQLite store '" + store_.path + "'"; }
  void set_names(Names names) override;
  Result<CompactReport> compact(const RetainRule& rule, const Act& act) override;
  Result<EraseReport> erase_subject(std::uint64_t subject, std::uint32_t checkpoints,
                                    const Act& act) override;
  Result<void> record_act(const ActNote& note, const Act& act) override;
  std::vector<std::string> take_notes() override;
  void tidy() override;

  /// Runs an administrative act: `act(store, head)` inside one write transaction. On success the head that it
  /// left is the journal's; on failure nothing happened.
  template <class Body>
  [[nodiscard]] auto run_act(Body&& body)
      -> decltype(body(std::declval<StoreFile&>(), std::declval<Head&>()));

  [[nodiscard]] const StoreFile& store() const noexcept { return store_; }
  [[nodiscard]] const Head& head() const noexcept { return head_; }
  /// Lowers the lock file's position, before an act that takes acknowledged records back. Errors: io.
  [[nodiscard]] Result<void> lower_mark(std::uint64_t position) {
    return store_.lock->lower_position(position);
  }
  /// Sets it to the end of the journal again.
  void restore_mark() noexcept { store_.lock->note_position(head_.position); }
  /// Inserts rows inside an act.
  [[nodiscard]] RowWriter& rows() noexcept { return *rows_; }

 private:
  struct NewCheckpoint {
    CheckpointInfo* info;
    std::uint64_t slot;
    const ChunkedState* state;
  };

  SqliteJournal(StoreFile store, Head head, std::uint32_t log_pages)
      : store_(std::move(store)), head_(head), log_pages_(log_pages) {}
  [[nodiscard]] Result<void> prepare_writing();
  /// Everything that must hold before a write: ours, in place, and no trouble unsettled.
  [[nodiscard]] Result<void> ready_to_write();
  [[nodiscard]] Result<void> append_all(std::span<const ByteView> records, const NewCheckpoint* checkpoint);
  [[nodiscard]] Result<void> write_all(std::span<const ByteView> records, const NewCheckpoint* checkpoint,
                                       Head& head);
  [[nodiscard]] Result<void> insert_all(std::span<const ByteView> records, Head& head);
  [[nodiscard]] Result<void> move_head(const Head& head);
  [[nodiscard]] Result<void> verify_and_prune(const CheckpointInfo& info, const NewCheckpoint& written,
                                              std::uint32_t keep);
  void move_mark() noexcept;
  void move_log_when_due(std::uint32_t spare);  // in pages over the limit
  [[nodiscard]] Result<std::optional<std::uint64_t>> chain_before(std::uint64_t first);

  /// Takes note that a write failed: see sqlite_journal_trouble.cpp.
  void note_trouble(const Error& error);
  [[nodiscard]] Result<void> settle_trouble();
  [[nodiscard]] Result<void> verify_end();
  void note(std::string sentence);

  StoreFile store_;
  Head head_;
  std::optional<RowWriter> rows_;  // writers only
  Statement move_head_;
  std::string trouble_;          // why nothing is written until the store was opened anew; empty: none
  bool disconnected_ = false;    // the old connection is closed and there is no new one yet
  std::uint32_t log_pages_ = 0;  // in the log, at which it is moved into the file; 0: never while open
  std::uint32_t log_limit_ = 0;  // likewise, for the next attempt
};

template <class Body>
auto SqliteJournal::run_act(Body&& body)
    -> decltype(body(std::declval<StoreFile&>(), std::declval<Head&>())) {
  if (Result<void> ready = ready_to_write(); !ready) {
    return tl::unexpected(std::move(ready).error());
  }
  failpoint(Failpoint::act_begun);
  const ZeroedPages zeroed(store_.database);
  Head head = head_;
  Result<Transaction> transaction = Transaction::begin(store_.database, "BEGIN IMMEDIATE");
  if (!transaction) {
    return tl::unexpected(std::move(transaction).error());
  }
  auto report = body(store_, head);
  failpoint(Failpoint::act_done);
  Result<void> done = report ? transaction->commit() : tl::unexpected(report.error());
  if (!done) {
    rows_->forget();
    if (done.error().code == Errc::io) {
      note_trouble(done.error());
    }
    return tl::unexpected(std::move(done).error());
  }
  failpoint(Failpoint::act_committed);
  head_ = head;
  move_mark();
  move_log_when_due(0);
  return report;
}

}  // namespace attune::detail
