// SPDX-License-Identifier: Apache-2.0
// StoreView: the journal record by record, and the small texts beside it.
#include <utility>

#include "store/store_view.hpp"

namespace attune {

using detail::Head;
using detail::RecordCursor;
using detail::Statement;
using detail::Transaction;

Result<void> StoreView::walk(std::uint64_t first, const std::function<bool(const StoredRecord&)>& visit) {
  const detail::StoreFile& store = impl_->store;
  Result<Transaction> moment = Transaction::begin(store.database);
  const Result<Head> head = moment ? detail::read_head(store) : tl::unexpected(moment.error());
  Result<RecordCursor> cursor = head ? RecordCursor::open(store, *head, first) : tl::unexpected(head.error());
  if (!cursor) {
    return tl::unexpected(std::move(cursor).error());
  }
  Result<bool> more = cursor->next();
  for (; more && *more; more = cursor->next()) {
    const bool erased = cursor->erased();
    if (!visit({.position = cursor->position(),
                .header = cursor->header(),
                .bytes = erased ? ByteView{} : cursor->record(),
                .arm = erased ? std::string_view{} : cursor->arm(),
                .erased = erased})) {
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

}  // namespace attune
