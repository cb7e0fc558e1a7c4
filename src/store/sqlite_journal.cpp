// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_journal.hpp"

#include <algorithm>
#include <utility>

#include "core/failpoint.hpp"
#include "store/checkpoint_rows.hpp"
#include "store/record_cursor.hpp"

namespace attune {
namespace detail {

Result<std::unique_ptr<SqliteJournal>> SqliteJournal::open(const std::string& path,
                                                           const StoreOptions& options) {
  Result<StoreFile> store = open_store_file(path, options);
  if (!store) {
    return tl::unexpected(std::move(store).error());
  }
  Result<Head> head = read_head(*store);
  if (!head) {
    return tl::unexpected(std::move(head).error());
  }
  failpoint(Failpoint::open_prepared);
  std::unique_ptr<SqliteJournal> journal(new SqliteJournal(std::move(*store), *head, options.log_pages));
  if (options.mode == OpenMode::read_write) {
    Result<std::vector<std::string>> losses = check_tail(journal->store_, *head);
    if (!losses) {
      return tl::unexpected(std::move(losses).error());
    }
    if (!losses->empty()) {
      return fail(Errc::corrupt_state, "'" + path + "': " + losses->front());
    }
    failpoint(Failpoint::open_checked);
    if (Result<void> prepared = journal->prepare_writing(); !prepared) {
      return tl::unexpected(std::move(prepared).error());
    }
    failpoint(Failpoint::open_marked);
  } else if (std::string lost = lost_records(journal->store_, *head); !lost.empty()) {
    journal->note(std::move(lost));
  }
  return journal;
}

SqliteJournal::~SqliteJournal() {
  failpoint(Failpoint::close_begun);
  rows_.reset();
  move_head_ = Statement();
  store_.database = Database();
  failpoint(Failpoint::close_done);
}

Result<void> SqliteJournal::prepare_writing() {
  Result<RowWriter> rows = RowWriter::make(store_.database);
  Result<Statement> move_head = store_.database.prepare(
      "UPDATE head SET position = ?3, chain = ?4, decisions = ?5, outcomes = ?6, events = ?7"
      " WHERE position = ?1 AND chain = ?2");
  if (!rows || !move_head) {
    return tl::unexpected(rows ? std::move(move_head).error() : std::move(rows).error());
  }
  if (rows_) {
    rows->set_names(rows_->names());
  }
  rows_ = std::move(*rows);
  move_head_ = std::move(*move_head);
  log_limit_ = log_pages_;
  store_.database.checkpoint_on_close(true);
  return store_.lock->write(store_.store_id, head_.position);
}

Result<void> SqliteJournal::ready_to_write() {
  if (!store_.lock) {
    return fail(Errc::io, "'" + store_.path + "' was opened read-only");
  }
  if (!store_.lock->owned_by_this_process()) {
    return fail(Errc::io, "'" + store_.path + "' was opened before this process was forked; open it anew");
  }
  if (!is_still_in_place(store_)) {
    return fail(Errc::io,
                "'" + store_.path + "' was removed or replaced while it was open; nothing more is written");
  }
  return trouble_.empty() ? Result<void>{} : settle_trouble();
}

Result<void> SqliteJournal::append(std::span<const ByteView> records) { return append_all(records, nullptr); }

Result<void> SqliteJournal::append_all(std::span<const ByteView> records, const NewCheckpoint* checkpoint) {
  if (Result<void> ready = ready_to_write(); !ready) {
    return ready;
  }
  if (records.empty() && checkpoint == nullptr) {
    return {};
  }
  Head head = head_;
  if (Result<void> written = write_all(records, checkpoint, head); !written) {
    rows_->forget();
    return written;
  }
  failpoint(Failpoint::append_committed);
  head_ = head;
  move_mark();
  move_log_when_due(log_pages_);  // for owners who never tidy
  return {};
}

/// One transaction.
Result<void> SqliteJournal::write_all(std::span<const ByteView> records, const NewCheckpoint* checkpoint,
                                      Head& head) {
  const Database& database = store_.database;
  Result<Transaction> transaction = Transaction::begin(database, "BEGIN IMMEDIATE");
  failpoint(Failpoint::append_begun);
  Result<void> done = transaction ? insert_all(records, head) : tl::unexpected(transaction.error());
  bool foreign_lock = !done && database.failed_busy();
  failpoint(Failpoint::append_rows_inserted);
  if (done) {
    done = move_head(head);
  }
  failpoint(Failpoint::append_head_moved);
  if (done && checkpoint != nullptr) {
    checkpoint->info->position = head.position;
    done = insert_checkpoint(database, store_.keys, *checkpoint->info, head.chain, checkpoint->slot,
                             *checkpoint->state);
    failpoint(Failpoint::checkpoint_inserted);
  }
  if (done) {
    done = transaction->commit();
    foreign_lock = !done && database.failed_busy();
  }
  if (!done && done.error().code != Errc::invalid_argument && !foreign_lock) {
    note_trouble(done.error());
  }
  return done;
}

Result<void> SqliteJournal::insert_all(std::span<const ByteView> records, Head& head) {
  for (const ByteView record : records) {
    const Result<RecordHeader> header = check_appended(record, head.position + 1);
    if (!header) {
      return tl::unexpected(header.error());
    }
    head.chain = chained(head.chain, record);
    if (Result<void> inserted = rows_->add(record, header->kind, head.chain, head.counts); !inserted) {
      return inserted;
    }
    ++head.position;
  }
  return rows_->flush();
}

// Conditional, so that a program that wrote without asking for the lock is noticed before anything is
// committed.
Result<void> SqliteJournal::move_head(const Head& head) {
  move_head_.bind(1, head_.position).bind(2, head_.chain).bind(3, head.position).bind(4, head.chain);
  move_head_.bind(5, head.counts.decisions).bind(6, head.counts.outcomes).bind(7, head.counts.events);
  Result<void> done = move_head_.run();
  if (done && store_.database.changed_rows() != 1) {
    return fail(Errc::io,
                "'" + store_.path + "' was changed by another program while it was open; open it anew");
  }
  return done;
}

Result<CheckpointInfo> SqliteJournal::append(std::span<const ByteView> records, ByteView state, Nanos time,
                                             std::string_view config_digest, std::uint32_t keep) {
  if (keep == 0) {
    return fail(Errc::invalid_argument,
                "keep = 0 is outside [1, 4294967295]: the newest checkpoint is always kept");
  }
  if (Result<void> ready = ready_to_write(); !ready) {
    return tl::unexpected(std::move(ready).error());
  }
  const Result<std::int64_t> newest = store_.database.number("SELECT max(number) FROM checkpoints");
  const Result<std::uint64_t> slot = next_slot(store_.database);
  if (!newest || !slot) {
    return tl::unexpected(newest ? slot.error() : newest.error());
  }
  CheckpointInfo info{.number = static_cast<std::uint64_t>(*newest) + 1,
                      .position = 0,
                      .time = time,
                      .bytes = state.size(),
                      .digest = sha256(state),
                      .config_digest = std::string(config_digest)};
  const ChunkedState chunks = chunked(state);
  const NewCheckpoint written{.info = &info, .slot = *slot, .state = &chunks};
  Result<void> done = append_all(records, &written);
  if (done) {
    done = verify_and_prune(info, written, keep);
  }
  return done ? Result<CheckpointInfo>(std::move(info)) : tl::unexpected(std::move(done).error());
}

// After the commit, from the file and not from the cache: older checkpoints go only when the new one can be
// read.
Result<void> SqliteJournal::verify_and_prune(const CheckpointInfo& info, const NewCheckpoint& written,
                                             std::uint32_t keep) {
  store_.database.drop_cache();
  if (Result<void> read = verify_written(store_, written.slot, *written.state); !read) {
    return fail(Errc::io, "'" + store_.path + "': checkpoint " + std::to_string(info.number) +
                              " was written but cannot be read back: " + read.error().message +
                              "; older ones are kept, and the records are durable up to " +
                              std::to_string(head_.position));
  }
  failpoint(Failpoint::checkpoint_verified);
  if (info.number <= keep) {
    return {};
  }
  Result<Transaction> transaction = Transaction::begin(store_.database, "BEGIN IMMEDIATE");
  failpoint(Failpoint::prune_begun);
  Result<std::uint64_t> removed =
      transaction ? remove_checkpoints(store_.database, "number <= ?1", info.number - keep)
                  : tl::unexpected(transaction.error());
  failpoint(Failpoint::prune_done);
  Result<void> done = removed ? transaction->commit() : tl::unexpected(std::move(removed).error());
  failpoint(Failpoint::prune_committed);
  if (!done) {
    note_trouble(done.error());
  }
  return done;
}

void SqliteJournal::move_mark() noexcept {
  store_.lock->note_position(head_.position);
  failpoint(Failpoint::mark_moved);
}

void SqliteJournal::tidy() {
  if (rows_ && store_.lock && trouble_.empty()) {
    move_log_when_due(0);
  }
}

void SqliteJournal::move_log_when_due(std::uint32_t spare) {
  const auto pages = static_cast<std::uint32_t>(store_.database.log_pages());
  if (log_pages_ == 0 || pages < std::uint64_t{log_limit_} + spare) {
    return;
  }
  failpoint(Failpoint::log_due);
  const Result<void> moved = store_.database.move_log();
  failpoint(Failpoint::log_moved);
  // What was acknowledged is safe in the log: tried again a little later.
  log_limit_ = moved ? log_pages_ : pages + std::max(1U, log_pages_ / 8);
  if (!moved && !store_.database.failed_busy()) {
    note("the write-ahead log could not be moved into the file yet: " + moved.error().message);
  }
}

Result<std::optional<std::uint64_t>> SqliteJournal::chain_before(std::uint64_t first) {
  if (store_.version > 1) {
    return std::optional<std::uint64_t>{};  // the rows tell
  }
  return list_checkpoints(store_).map([&](const std::vector<CheckpointRow>& rows) {
    const auto at = std::ranges::find_if(
        rows, [&](const CheckpointRow& row) { return row.damage.empty() && row.info.position + 1 == first; });
    return at == rows.end() ? std::nullopt : std::optional(at->chain);
  });
}

Result<void> SqliteJournal::read(std::uint64_t first, const std::function<bool(ByteView)>& visit) {
  Result<Transaction> transaction = Transaction::begin(store_.database);
  if (!transaction) {
    return tl::unexpected(std::move(transaction).error());
  }
  Result<Head> head = read_head(store_);
  Result<std::optional<std::uint64_t>> chain = chain_before(first);
  if (!head || !chain) {
    return tl::unexpected(head ? std::move(chain).error() : std::move(head).error());
  }
  if (!store_.lock) {
    head_ = *head;  // what the writer has added since
  }
  const std::uint64_t from = first == 0 ? head->first + 1 : first;
  if (from <= head->first) {
    return fail(Errc::invalid_argument, "'" + store_.path + "': records 1 to " + std::to_string(head->first) +
                                            " were removed by retention; reading from record " +
                                            std::to_string(from) + " would leave them out");
  }
  if (from <= head->last_erased) {
    return fail(Errc::invalid_argument, "'" + store_.path + "': record " + std::to_string(head->last_erased) +
                                            " was erased; reading from record " + std::to_string(from) +
                                            " would leave it out");
  }
  Result<RecordCursor> cursor = RecordCursor::open(store_, *head, from, *chain);
  Result<bool> more = cursor ? cursor->next() : tl::unexpected(cursor.error());
  while (more && *more && visit(cursor->record())) {
    more = cursor->next();
  }
  if (more && !*more) {
    if (std::string lost = lost_records(store_, *head); !lost.empty()) {
      return fail(Errc::corrupt_state, "'" + store_.path + "': " + lost);
    }
  }
  return more ? Result<void>{} : tl::unexpected(std::move(more).error());
}

Result<std::optional<Checkpoint>> SqliteJournal::newest_checkpoint(std::vector<std::string>* skipped) {
  Result<Transaction> transaction = Transaction::begin(store_.database);
  if (!transaction) {
    return tl::unexpected(std::move(transaction).error());
  }
  const Result<Head> head = read_head(store_);
  if (!head) {
    return tl::unexpected(head.error());
  }
  if (!store_.lock) {
    head_ = *head;
  }
  Bytes state;
  return usable_checkpoints(store_, *head, 1, skipped, &state).map([&](std::vector<CheckpointRow> rows) {
    return rows.empty()
               ? std::nullopt
               : std::optional(Checkpoint{.info = std::move(rows[0].info), .state = std::move(state)});
  });
}

Result<std::vector<CheckpointInfo>> SqliteJournal::checkpoints() {
  return list_checkpoints(store_).map([](std::vector<CheckpointRow> rows) {
    std::vector<CheckpointInfo> infos;
    infos.reserve(rows.size());
    for (CheckpointRow& row : rows) {
      infos.push_back(std::move(row.info));
    }
    return infos;
  });
}

Result<std::optional<std::string>> SqliteJournal::meta(std::string_view key) {
  Result<Statement> query = store_.database.prepare("SELECT value FROM meta WHERE key = ?1");
  if (!query) {
    return tl::unexpected(std::move(query).error());
  }
  return query->bind(1, key).step().map(
      [&](bool row) { return row ? std::optional(std::string(query->text(0))) : std::nullopt; });
}

Result<void> SqliteJournal::set_meta(std::string_view key, std::string_view value) {
  if (Result<void> ready = ready_to_write(); !ready) {
    return ready;
  }
  failpoint(Failpoint::meta_begun);
  Result<Statement> put = store_.database.prepare("REPLACE INTO meta VALUES(?1,?2)");
  Result<void> done = put ? put->bind(1, key).bind(2, value).run() : tl::unexpected(std::move(put).error());
  failpoint(Failpoint::meta_written);
  if (!done && !store_.database.failed_busy()) {
    note_trouble(done.error());
  }
  return done;
}

void SqliteJournal::set_names(Names names) {
  if (rows_) {
    rows_->set_names(std::move(names));
  }
}

std::vector<std::string> SqliteJournal::take_notes() { return std::exchange(store_.notes, {}); }

void SqliteJournal::note(std::string sentence) {
  constexpr std::size_t kEnough = 100;  // nobody may be listening
  if (store_.notes.size() < kEnough) {
    store_.notes.push_back(std::move(sentence));
  }
}

}  // namespace detail

Result<std::unique_ptr<Journal>> open_sqlite_journal(const std::string& path, OpenMode mode) {
  return open_sqlite_journal(path, StoreOptions{.mode = mode});
}

Result<std::unique_ptr<Journal>> open_sqlite_journal(const std::string& path, const StoreOptions& options) {
  return detail::SqliteJournal::open(path, options).map([](std::unique_ptr<detail::SqliteJournal> journal) {
    return std::unique_ptr<Journal>(std::move(journal));
  });
}

}  // namespace attune
