// SPDX-License-Identifier: Apache-2.0
// StoreView: the journal record by record, and the small texts beside it.
#include <algorithm>
#include <utility>

#include "store/checkpoint_rows.hpp"
#include "store/store_view.hpp"

namespace attune {

using detail::Head;
using detail::RecordCursor;
using detail::Statement;
using detail::Transaction;

Result<void> StoreView::records(std::uint64_t first, const std::function<bool(const StoredRecord&)>& visit) {
  const detail::StoreFile& store = impl_->store;
  Result<Transaction> moment = Transaction::begin(store.database);
  const Result<Head> head = moment ? detail::read_head(store.database) : tl::unexpected(moment.error());
  Result<RecordCursor> cursor =
      head ? RecordCursor::open(store, *head, first, std::nullopt) : tl::unexpected(head.error());
  if (!cursor) {
    return tl::unexpected(std::move(cursor).error());
  }
  Result<bool> more = cursor->next();
  for (; more && *more; more = cursor->next()) {
    if (!visit({.header = cursor->header(), .bytes = cursor->record(), .arm = cursor->arm()})) {
      return {};
    }
  }
  return more ? Result<void>{} : tl::unexpected(std::move(more).error());
}

Result<std::map<std::uint32_t, std::string>> StoreView::point_names() { return impl_->point_names(); }

Result<std::optional<std::string>> StoreView::meta(std::string_view key) {
  Result<Statement> row = impl_->store.database.prepare("SELECT value FROM meta WHERE key = ?1");
  if (!row) {
    return tl::unexpected(std::move(row).error());
  }
  row->bind(1, key);
  const Result<bool> found = row->step();
  if (!found) {
    return tl::unexpected(found.error());
  }
  return *found ? std::optional<std::string>(row->text(0)) : std::nullopt;
}

Result<Checkpoint> StoreView::checkpoint(std::uint64_t number) {
  const detail::Database& database = impl_->store.database;
  Result<Transaction> moment = Transaction::begin(database);
  Result<std::vector<detail::CheckpointRow>> rows =
      moment ? detail::list_checkpoints(database) : tl::unexpected(moment.error());
  if (!rows) {
    return tl::unexpected(std::move(rows).error());
  }
  const std::string name = "checkpoint " + std::to_string(number);
  const auto row =
      std::ranges::find(*rows, number, [](const detail::CheckpointRow& r) { return r.info.number; });
  if (row == rows->end()) {
    return fail(Errc::invalid_argument, "the store has no " + name);
  }
  if (!row->damage.empty()) {
    return fail(Errc::corrupt_state, name + ": " + row->damage);
  }
  Result<Bytes> state = detail::read_state(database, row->info);
  if (!state) {
    return fail(state.error().code, name + ": " + state.error().message);
  }
  return Checkpoint{.info = std::move(row->info), .state = std::move(*state)};
}

}  // namespace attune
