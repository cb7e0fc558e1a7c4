// SPDX-License-Identifier: Apache-2.0
// SqliteJournal after a write that failed: nothing more is appended until the end was verified.
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "store/record_cursor.hpp"
#include "store/sqlite_journal.hpp"

namespace attune::detail {
namespace {

/// A change of one page; SQLite writes none for a row that stays as it is.
[[nodiscard]] Result<void> count_trouble(const Database& database) {
  constexpr std::string_view kKey = "store_troubles";
  Result<Statement> query = database.prepare("SELECT value FROM meta WHERE key = ?1");
  Result<Statement> put = database.prepare("REPLACE INTO meta VALUES(?1,?2)");
  if (!query || !put) {
    return tl::unexpected(query ? put.error() : query.error());
  }
  const Result<bool> row = query->bind(1, kKey).step();
  if (!row) {
    return tl::unexpected(row.error());
  }
  std::uint64_t count = 0;
  const std::string_view text = *row ? query->text(0) : std::string_view();
  std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string next = std::to_string(count + 1);
  query->reset();
  return put->bind(1, kKey).bind(2, std::string_view(next)).run();
}

}  // namespace

void SqliteJournal::note_trouble(const Error& error) {
  if (trouble_.empty()) {
    note("a write to '" + store_.path +
         "' was refused; nothing of it counts, and nothing is written until the "
         "end of the store was verified: " +
         error.message);
    trouble_ = error.message;
    store_.database.checkpoint_on_close(false);  // closing must not build on what may not be on the disk
  }
}

// After a flush that failed, the kernel may call pages clean that the disk does not have (Rebello et al.
// 2020, "Can applications recover from fsync failures?", USENIX ATC). So the frames of the failed transaction
// must neither be trusted nor be built upon. The connection that wrote them still knows where the log ended
// before them, and writes there again: a commit that counts the trouble puts a new frame in their place,
// whose flush covers that very page, and with it whatever follows stops being a valid continuation of the
// log. Only then is the connection closed, as a new one would take frames that are still valid for committed
// ones.
Result<void> SqliteJournal::settle_trouble() {
  const Database& database = store_.database;
  if (!disconnected_) {
    Result<Transaction> transaction = Transaction::begin(database, "BEGIN IMMEDIATE");
    Result<void> done = transaction ? count_trouble(database) : tl::unexpected(transaction.error());
    if (done) {
      done = transaction->commit();
    }
    if (!done) {
      return fail(Errc::io, "'" + store_.path + "' cannot be written yet (" + done.error().message +
                                "), since: " + trouble_);
    }
    failpoint(Failpoint::trouble_counted);
    rows_ = RowWriter::without_statements(rows_->names());
    move_head_ = Statement();
    disconnected_ = true;
    failpoint(Failpoint::trouble_disconnected);
  }
  Result<void> done = reopen_store_file(store_);
  failpoint(Failpoint::trouble_reopened);
  if (done) {
    done = verify_end();
  }
  if (done) {
    done = prepare_writing();
  }
  if (!done) {
    store_.database.checkpoint_on_close(false);
    return tl::unexpected(std::move(done).error());
  }
  disconnected_ = false;
  failpoint(Failpoint::trouble_settled);
  note("'" + store_.path + "' was opened anew after the trouble and is whole up to record " +
       std::to_string(head_.position) + "; writing goes on");
  trouble_.clear();
  return {};
}

/// What was acknowledged is there, and nothing else.
Result<void> SqliteJournal::verify_end() {
  constexpr std::uint64_t kLastRecords = 1024;
  Result<Transaction> moment = Transaction::begin(store_.database);
  const Result<Head> head = moment ? read_head(store_) : tl::unexpected(moment.error());
  const auto losses = head ? check_tail(store_, *head) : tl::unexpected(head.error());
  if (!losses) {
    return tl::unexpected(losses.error());
  }
  if (!losses->empty()) {
    return fail(Errc::corrupt_state, "'" + store_.path + "': " + losses->front());
  }
  if (head->position != head_.position || head->chain != head_.chain) {
    return fail(Errc::corrupt_state, "'" + store_.path + "' ends at record " +
                                         std::to_string(head->position) +
                                         " after the trouble, where record " +
                                         std::to_string(head_.position) + " was acknowledged last");
  }
  const std::uint64_t first = head->position > kLastRecords ? head->position - kLastRecords + 1 : 1;
  Result<RecordCursor> cursor = RecordCursor::open(store_, *head, first);
  Result<bool> more = cursor ? cursor->next() : tl::unexpected(cursor.error());
  while (more && *more) {
    more = cursor->next();
  }
  return more ? Result<void>{} : tl::unexpected(std::move(more).error());
}

}  // namespace attune::detail
