// SPDX-License-Identifier: Apache-2.0
#include "store/record_cursor.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace attune::detail {

Result<RecordCursor> RecordCursor::open(const StoreFile& store, const Head& head, std::uint64_t first,
                                        std::optional<std::uint64_t> chain) {
  constexpr std::array<std::string_view, 3> kQueries{
      "SELECT position, record, arm FROM decisions WHERE position >= ?1 ORDER BY position",
      "SELECT position, record FROM outcomes WHERE position >= ?1 ORDER BY position",
      "SELECT position, record FROM events WHERE position >= ?1 ORDER BY position",
  };
  RecordCursor cursor;
  cursor.path_ = store.path;
  cursor.head_ = head;
  cursor.expected_ = std::max<std::uint64_t>(first, 1);
  cursor.chain_ = cursor.expected_ == 1 ? 0 : chain;
  for (std::size_t i = 0; i < kQueries.size(); ++i) {
    Result<Statement> rows = store.database.prepare(kQueries[i]);
    if (!rows) {
      return tl::unexpected(std::move(rows).error());
    }
    Source& source = cursor.sources_[i];
    source.rows = std::move(*rows);
    source.rows.bind(1, cursor.expected_);
    if (Result<void> done = cursor.advance(source); !done) {
      return tl::unexpected(std::move(done).error());
    }
  }
  return cursor;
}

Result<void> RecordCursor::advance(Source& source) {
  Result<bool> row = source.rows.step();
  if (!row) {
    Error& error = row.error();
    error.message += "; reading stopped before record " + std::to_string(expected_);
    return tl::unexpected(std::move(error));
  }
  source.position = *row ? source.rows.count(0) : kNone;
  return {};
}

Result<bool> RecordCursor::next() {
  if (started_) {
    if (Result<void> done = advance(sources_[current_]); !done) {
      return tl::unexpected(std::move(done).error());
    }
  }
  started_ = true;
  const auto* const lowest = std::ranges::min_element(sources_, {}, &Source::position);
  current_ = static_cast<std::size_t>(lowest - sources_.begin());
  if (lowest->position == kNone) {
    started_ = false;
    return finish();
  }
  if (lowest->position != expected_) {
    return tl::unexpected(missing_record("'" + path_ + "'", expected_, head_.position));
  }
  const ByteView stored = lowest->rows.blob(1);
  record_ = is_aligned(stored) ? stored : aligned_.copy(stored);
  Result<RecordHeader> header = check_stored(record_, expected_);
  if (header && static_cast<std::size_t>(header->kind) != current_ + 1) {
    header = fail(Errc::corrupt_state, "record " + std::to_string(expected_) +
                                           " is damaged: it is stored among records of another kind");
  }
  if (!header) {
    Error& error = header.error();
    error.message = "'" + path_ + "': " + error.message;
    return tl::unexpected(std::move(error));
  }
  header_ = *header;
  if (chain_) {
    chain_ = chained(*chain_, record_);
  }
  ++expected_;
  return true;
}

Result<bool> RecordCursor::finish() const {
  if (expected_ <= head_.position) {
    return tl::unexpected(missing_record("'" + path_ + "'", expected_, head_.position));
  }
  if (chain_ && expected_ == head_.position + 1 && *chain_ != head_.chain) {
    return fail(Errc::corrupt_state, "'" + path_ + "' is damaged: each record up to " +
                                         std::to_string(head_.position) +
                                         " is whole, but together they are not the ones that were written");
  }
  return false;
}

std::string_view RecordCursor::arm() const noexcept {
  return header_.kind == RecordKind::decision ? sources_[current_].rows.text(2) : std::string_view{};
}

}  // namespace attune::detail
