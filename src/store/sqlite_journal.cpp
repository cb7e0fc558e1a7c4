// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <attune/store/journal.hpp>

#include "store/checkpoint_rows.hpp"
#include "store/record_cursor.hpp"
#include "store/row_writer.hpp"
#include "store/store_file.hpp"

namespace attune {
namespace {

using detail::CheckpointRow;
using detail::Head;
using detail::RecordCursor;
using detail::RowWriter;
using detail::Statement;
using detail::StoreFile;
using detail::Transaction;
using detail::WriterLock;

class SqliteJournal final : public Journal {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Journal>> open(const std::string& path, OpenMode mode);

  Result<void> append(std::span<const ByteView> records) override { return append_all(records, nullptr, {}); }
  Result<CheckpointInfo> append(std::span<const ByteView> records, ByteView state, Nanos time,
                                std::string_view config_digest, std::uint32_t keep) override;
  [[nodiscard]] std::uint64_t last_position() const noexcept override { return head_.position; }
  Result<void> read(std::uint64_t first, const std::function<bool(ByteView)>& visit) override;
  Result<std::optional<Checkpoint>> newest_checkpoint(std::vector<std::string>* skipped) override;
  Result<std::vector<CheckpointInfo>> checkpoints() override;
  Result<std::optional<std::string>> meta(std::string_view key) override;
  Result<void> set_meta(std::string_view key, std::string_view value) override;
  [[nodiscard]] std::string describe() const override { return "SQLite store '" + store_.path + "'"; }
  void set_names(Names names) override;

 private:
  SqliteJournal(StoreFile store, Head head) : store_(std::move(store)), head_(head) {}
  [[nodiscard]] Result<void> prepare_writing();
  [[nodiscard]] Result<void> check_writable() const;
  /// One transaction. `checkpoint` may be null; its position is filled in.
  [[nodiscard]] Result<void> append_all(std::span<const ByteView> records, CheckpointInfo* checkpoint,
                                        ByteView state);
  [[nodiscard]] Result<void> insert_all(std::span<const ByteView> records, Head& head);
  [[nodiscard]] Result<void> move_head(const Head& head);
  [[nodiscard]] Result<void> verify_and_prune(const CheckpointInfo& info, std::uint32_t keep);
  [[nodiscard]] Result<std::optional<std::uint64_t>> chain_before(std::uint64_t first);

  StoreFile store_;
  Head head_;
  std::optional<RowWriter> rows_;  // writers only
  Statement move_head_;
};

Result<std::unique_ptr<Journal>> SqliteJournal::open(const std::string& path, OpenMode mode) {
  // Read first: what it says was committed before, so the store can only have more.
  const std::optional<WriterLock::Content> witness = WriterLock::peek(path);
  Result<StoreFile> store = detail::open_store_file(path, mode);
  if (!store) {
    return tl::unexpected(std::move(store).error());
  }
  Result<Head> head = detail::read_head(store->database);
  if (!head) {
    return tl::unexpected(std::move(head).error());
  }
  std::unique_ptr<SqliteJournal> journal(new SqliteJournal(std::move(*store), *head));
  if (mode == OpenMode::read_write) {
    Result<std::vector<std::string>> losses = detail::check_tail(journal->store_, *head, witness);
    if (!losses) {
      return tl::unexpected(std::move(losses).error());
    }
    if (!losses->empty()) {
      return fail(Errc::corrupt_state, "'" + path + "': " + losses->front());
    }
    if (Result<void> prepared = journal->prepare_writing(); !prepared) {
      return tl::unexpected(std::move(prepared).error());
    }
  }
  return std::unique_ptr<Journal>(std::move(journal));
}

Result<void> SqliteJournal::prepare_writing() {
  // A process before this one may have died of a flush that failed. The kernel then takes the pages of the
  // log for clean, shows them, and will never write them: what is appended behind them would not survive a
  // loss of power. Moved into the file, they are written and flushed again.
  if (Result<void> emptied = store_.database.empty_log(); !emptied) {
    return emptied;
  }
  Result<RowWriter> rows = RowWriter::make(store_.database);
  Result<Statement> move_head = store_.database.prepare(
      "UPDATE head SET position = ?3, chain = ?4, decisions = ?5, outcomes = ?6, events = ?7"
      " WHERE position = ?1 AND chain = ?2");
  if (!rows || !move_head) {
    return tl::unexpected(rows ? std::move(move_head).error() : std::move(rows).error());
  }
  rows_ = std::move(*rows);
  move_head_ = std::move(*move_head);
  store_.database.checkpoint_on_close(true);
  return store_.lock->write(store_.store_id, head_.position);
}

Result<void> SqliteJournal::check_writable() const {
  if (!store_.lock) {
    return fail(Errc::io, "'" + store_.path + "' was opened read-only");
  }
  if (!store_.lock->owned_by_this_process()) {
    return fail(Errc::io, "'" + store_.path + "' was opened before this process was forked; open it anew");
  }
  if (!detail::is_still_in_place(store_)) {
    return fail(Errc::io,
                "'" + store_.path + "' was removed or replaced while it was open; nothing more is written");
  }
  return {};
}

Result<void> SqliteJournal::append_all(std::span<const ByteView> records, CheckpointInfo* checkpoint,
                                       ByteView state) {
  if (Result<void> writable = check_writable(); !writable) {
    return writable;
  }
  if (records.empty() && checkpoint == nullptr) {
    return {};
  }
  Head head = head_;
  const auto write = [&]() -> Result<void> {
    Result<Transaction> transaction = Transaction::begin(store_.database, "BEGIN IMMEDIATE");
    if (!transaction) {
      return tl::unexpected(std::move(transaction).error());
    }
    Result<void> done = insert_all(records, head);
    if (done) {
      done = move_head(head);
    }
    if (done && checkpoint != nullptr) {
      checkpoint->position = head.position;
      done = detail::insert_checkpoint(store_.database, *checkpoint, head.chain, state);
    }
    return done ? transaction->commit() : done;
  };
  if (Result<void> written = write(); !written) {
    rows_->forget_points();
    return written;
  }
  head_ = head;
  store_.lock->note_position(head_.position);
  return {};
}

Result<void> SqliteJournal::insert_all(std::span<const ByteView> records, Head& head) {
  for (const ByteView record : records) {
    const Result<RecordHeader> header = detail::check_appended(record, head.position + 1);
    if (!header) {
      return tl::unexpected(header.error());
    }
    if (Result<void> inserted = rows_->insert(record, header->kind, head.counts); !inserted) {
      return inserted;
    }
    head.chain = detail::chained(head.chain, record);
    ++head.position;
  }
  return {};
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
  Result<std::int64_t> newest = store_.database.number("SELECT max(number) FROM checkpoints");
  if (!newest) {
    return tl::unexpected(std::move(newest).error());
  }
  CheckpointInfo info{.number = static_cast<std::uint64_t>(*newest) + 1,
                      .position = 0,
                      .time = time,
                      .bytes = state.size(),
                      .digest = sha256(state),
                      .config_digest = std::string(config_digest)};
  Result<void> done = append_all(records, &info, state);
  if (done) {
    done = verify_and_prune(info, keep);
  }
  return done ? Result<CheckpointInfo>(std::move(info)) : tl::unexpected(std::move(done).error());
}

// After the commit, from the file and not from the cache: older checkpoints go only when the new one can be
// read.
Result<void> SqliteJournal::verify_and_prune(const CheckpointInfo& info, std::uint32_t keep) {
  store_.database.drop_cache();
  const Result<Bytes> state = detail::read_state(store_.database, info);
  if (!state) {
    return fail(Errc::io, "'" + store_.path + "': checkpoint " + std::to_string(info.number) +
                              " was written but cannot be read back: " + state.error().message +
                              "; older ones are kept, and the records are durable up to " +
                              std::to_string(head_.position));
  }
  Result<Statement> prune = store_.database.prepare("DELETE FROM checkpoints WHERE number <= ?1");
  if (!prune) {
    return tl::unexpected(std::move(prune).error());
  }
  return info.number > keep ? prune->bind(1, info.number - keep).run() : Result<void>{};
}

Result<std::optional<std::uint64_t>> SqliteJournal::chain_before(std::uint64_t first) {
  return detail::list_checkpoints(store_.database).map([&](const std::vector<CheckpointRow>& rows) {
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
  Result<Head> head = detail::read_head(store_.database);
  Result<std::optional<std::uint64_t>> chain = chain_before(first);
  if (!head || !chain) {
    return tl::unexpected(head ? std::move(chain).error() : std::move(head).error());
  }
  head_ = *head;  // read-only: what the writer has added since
  Result<RecordCursor> cursor = RecordCursor::open(store_, *head, first, *chain);
  if (!cursor) {
    return tl::unexpected(std::move(cursor).error());
  }
  Result<bool> more = cursor->next();
  while (more && *more && visit(cursor->record())) {
    more = cursor->next();
  }
  return more ? Result<void>{} : tl::unexpected(std::move(more).error());
}

Result<std::optional<Checkpoint>> SqliteJournal::newest_checkpoint(std::vector<std::string>* skipped) {
  Result<Transaction> transaction = Transaction::begin(store_.database);
  if (!transaction) {
    return tl::unexpected(std::move(transaction).error());
  }
  Result<Head> head = detail::read_head(store_.database);
  if (!head) {
    return tl::unexpected(std::move(head).error());
  }
  head_ = *head;
  return detail::find_checkpoint(store_.database, head_.position, skipped);
}

Result<std::vector<CheckpointInfo>> SqliteJournal::checkpoints() {
  return detail::list_checkpoints(store_.database).map([](std::vector<CheckpointRow> rows) {
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
  if (Result<void> writable = check_writable(); !writable) {
    return writable;
  }
  Result<Statement> put = store_.database.prepare("REPLACE INTO meta VALUES(?1,?2)");
  return put ? put->bind(1, key).bind(2, value).run() : tl::unexpected(std::move(put).error());
}

void SqliteJournal::set_names(Names names) {
  if (rows_) {
    rows_->set_names(std::move(names));
  }
}

}  // namespace

Result<std::unique_ptr<Journal>> open_sqlite_journal(const std::string& path, OpenMode mode) {
  return SqliteJournal::open(path, mode);
}

}  // namespace attune
