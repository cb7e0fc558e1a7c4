// SPDX-License-Identifier: Apache-2.0
// StoreView: checkpoints, single records, and the verdict on everything.
#include <algorithm>
#include <set>
#include <utility>

#include "store/audit_rows.hpp"
#include "store/checkpoint_rows.hpp"
#include "store/store_view.hpp"

namespace attune {
namespace {

using detail::CheckpointRow;
using detail::Head;
using detail::RecordCursor;
using detail::Statement;
using detail::StoreFile;
using detail::Transaction;

/// Sentences about damaged records; at most a handful, as one bad page may hold hundreds.
[[nodiscard]] Result<std::vector<std::string>> check_records(const StoreFile& store, const Head& head) {
  constexpr std::size_t kEnough = 10;
  std::vector<std::string> problems;
  for (std::uint64_t first = head.first + 1; first <= head.position && problems.size() < kEnough;) {
    Result<RecordCursor> cursor = RecordCursor::open(store, head, first);
    Result<bool> more = cursor ? cursor->next() : tl::unexpected(cursor.error());
    while (more && *more) {
      more = cursor->next();
    }
    if (more) {
      break;
    }
    if (more.error().code == Errc::io) {
      return tl::unexpected(std::move(more).error());
    }
    problems.push_back(std::move(more).error().message);
    first = cursor ? cursor->expected() + 1 : head.position + 1;
  }
  return problems;
}

[[nodiscard]] Result<void> check_pages(const detail::Database& database, std::vector<std::string>& problems) {
  Result<Statement> check = database.prepare("PRAGMA quick_check(5)");
  if (!check) {
    return tl::unexpected(std::move(check).error());
  }
  Result<bool> row = check->step();
  for (; row && *row; row = check->step()) {
    if (check->text(0) != "ok") {
      problems.push_back("SQLite: " + std::string(check->text(0)));
    }
  }
  return row ? Result<void>{} : tl::unexpected(std::move(row).error());
}

/// How its chunks are stored.
[[nodiscard]] Result<void> describe_chunks(const StoreFile& store, const CheckpointRow& row,
                                           CheckpointReport& report) {
  Result<Statement> query =
      store.database.prepare("SELECT codec, length(data) FROM chunks WHERE slot = ?1 AND hash = ?2");
  if (!query) {
    return tl::unexpected(std::move(query).error());
  }
  std::set<std::string, std::less<>> codecs;
  for (const Sha256& hash : row.chunks) {
    const Result<bool> there = query->bind(1, row.slot).bind(2, std::as_bytes(std::span(hash))).step();
    if (there && *there) {
      codecs.emplace(query->text(0));
      report.stored_bytes += query->count(1);
    }
    query->reset();  // what cannot be read is reported with the state
  }
  report.codec = codecs.size() > 1 ? "mixed" : codecs.empty() ? "raw" : *codecs.begin();
  return {};
}

[[nodiscard]] Result<CheckpointReport> report_of(const StoreFile& store, const Head& head,
                                                 CheckpointRow& row) {
  CheckpointReport report{.info = row.info,
                          .stored_bytes = row.stored_bytes,
                          .codec = row.codec,
                          .slot = row.slot,
                          .chunks = row.chunks.size(),
                          .key_id = row.key_id,
                          .damage = row.damage};
  if (store.version > 1) {
    if (Result<void> done = describe_chunks(store, row, report); !done) {
      return tl::unexpected(std::move(done).error());
    }
  }
  if (report.damage.empty()) {
    Result<std::string> why = detail::obstacle(store, head, row);
    if (!why) {
      return tl::unexpected(std::move(why).error());
    }
    report.damage = std::move(*why);
  }
  if (report.damage.empty()) {
    const Result<Bytes> state = detail::read_state(store, row);
    if (!state && state.error().code == Errc::io) {
      return tl::unexpected(state.error());
    }
    report.damage = state ? "" : state.error().message;
  }
  return report;
}

}  // namespace

Result<std::vector<CheckpointReport>> StoreView::checkpoints() {
  const StoreFile& store = impl_->store;
  Result<Transaction> moment = Transaction::begin(store.database);
  const Result<Head> head = moment ? detail::read_head(store) : tl::unexpected(moment.error());
  Result<std::vector<CheckpointRow>> rows =
      head ? detail::list_checkpoints(store) : tl::unexpected(head.error());
  if (!rows) {
    return tl::unexpected(std::move(rows).error());
  }
  std::vector<CheckpointReport> reports;
  for (CheckpointRow& row : *rows) {
    Result<CheckpointReport> report = report_of(store, *head, row);
    if (!report) {
      return tl::unexpected(std::move(report).error());
    }
    reports.push_back(std::move(*report));
  }
  return reports;
}

Result<Checkpoint> StoreView::checkpoint(std::uint64_t number) {
  const StoreFile& store = impl_->store;
  Result<Transaction> moment = Transaction::begin(store.database);
  Result<std::vector<CheckpointRow>> rows =
      moment ? detail::list_checkpoints(store) : tl::unexpected(moment.error());
  if (!rows) {
    return tl::unexpected(std::move(rows).error());
  }
  const std::string name = "checkpoint " + std::to_string(number);
  const auto row = std::ranges::find_if(
      *rows, [&](const CheckpointRow& candidate) { return candidate.info.number == number; });
  if (row == rows->end()) {
    return fail(Errc::invalid_argument, "'" + store.path + "' has no " + name);
  }
  Result<Bytes> state =
      row->damage.empty() ? detail::read_state(store, *row) : fail(Errc::corrupt_state, row->damage);
  if (!state) {
    return fail(state.error().code, name + ": " + state.error().message);
  }
  return Checkpoint{.info = std::move(row->info), .state = std::move(*state)};
}

Result<void> StoreView::records(std::uint64_t first, std::uint64_t last,
                                const std::function<bool(ByteView)>& visit) {
  const StoreFile& store = impl_->store;
  Result<Transaction> moment = Transaction::begin(store.database);
  const Result<Head> head = moment ? detail::read_head(store) : tl::unexpected(moment.error());
  Result<RecordCursor> cursor = head ? RecordCursor::open(store, *head, first) : tl::unexpected(head.error());
  if (!cursor) {
    return tl::unexpected(std::move(cursor).error());
  }
  while (cursor->expected() <= last) {
    Result<bool> more = cursor->next();
    if (!more) {
      return tl::unexpected(std::move(more).error());
    }
    if (!*more || (!cursor->erased() && !visit(cursor->record()))) {
      break;
    }
  }
  return {};
}

Result<std::vector<std::string>> StoreView::verify() {
  const StoreFile& store = impl_->store;
  std::vector<std::string> problems;
  {
    Result<Transaction> moment = Transaction::begin(store.database);
    const Result<Head> head = moment ? detail::read_head(store) : tl::unexpected(moment.error());
    if (!head) {
      return tl::unexpected(head.error());
    }
    problems = store.notes;
    for (Result<std::vector<std::string>> found :
         {detail::check_tail(store, *head), check_records(store, *head)}) {
      if (!found) {
        return found;
      }
      problems.insert(problems.end(), found->begin(), found->end());
    }
    if (store.version > 1) {
      const Result<AuditTrail> audit = detail::read_audit_rows(store.database);
      if (!audit) {
        return tl::unexpected(audit.error());
      }
      if (!audit->damage.empty()) {
        problems.push_back(audit->damage);
      }
    }
    if (Result<void> checked = check_pages(store.database, problems); !checked) {
      return tl::unexpected(std::move(checked).error());
    }
  }
  return checkpoints().map([&](const std::vector<CheckpointReport>& reports) {
    for (const CheckpointReport& report : reports) {
      if (!report.damage.empty()) {
        problems.push_back("checkpoint " + std::to_string(report.info.number) + ": " + report.damage);
      }
    }
    return std::move(problems);
  });
}

}  // namespace attune
