// SPDX-License-Identifier: Apache-2.0
#include "store/record_cursor.hpp"

#include <algorithm>
#include <utility>

#include "store/schema.hpp"

namespace attune::detail {
namespace {

constexpr int kRecord = 1;
constexpr int kChain = 2;
constexpr int kTime = 3;
constexpr int kArm = 4;

/// Rows of the `index`th table from a position on. Format 1 has no chain in its rows.
[[nodiscard]] std::string query_of(const StoreFile& store, std::size_t index) {
  std::string query = "SELECT position, record, ";
  query += store.version == 1 ? "NULL, time" : "chain, time";
  query += index == 0 ? ", arm FROM " : " FROM ";
  query.append(kRecordTables.at(index)).append(store.suffix);
  return query + " WHERE position >= ?1 ORDER BY position";
}

}  // namespace

Result<RecordCursor> RecordCursor::open(const StoreFile& store, const Head& head, std::uint64_t first,
                                        std::optional<std::uint64_t> chain) {
  RecordCursor cursor;
  cursor.path_ = store.path;
  cursor.head_ = head;
  cursor.has_chains_ = store.version > 1;
  cursor.first_ = std::max(first, head.first + 1);
  cursor.expected_ = cursor.first_;
  cursor.chain_ = chain;
  if (cursor.has_chains_ || cursor.first_ == 1) {
    Result<std::optional<std::uint64_t>> before = chain_at(store, head, cursor.first_ - 1);
    if (!before) {
      return tl::unexpected(std::move(before).error());
    }
    cursor.chain_ = *before;
  }
  for (std::size_t i = 0; i < cursor.sources_.size(); ++i) {
    Result<Statement> rows = store.database.prepare(query_of(store, i));
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
  if (Result<void> taken = take(*lowest); !taken) {
    return tl::unexpected(std::move(taken).error());
  }
  ++expected_;
  return true;
}

Error RecordCursor::damaged(const std::string& how) const {
  return {Errc::corrupt_state,
          "'" + path_ + "': record " + std::to_string(expected_) + " is damaged: " + how};
}

Result<void> RecordCursor::take(const Source& source) {
  const auto stored_chain = source.rows.count(kChain);
  erased_ = has_chains_ && source.rows.is_null(kRecord);
  if (erased_) {
    // Erasing blanks the whole row; a lone missing record is damage.
    if (!source.rows.is_null(kTime)) {
      return tl::unexpected(damaged("its content is missing"));
    }
    header_ = {.kind = static_cast<RecordKind>(current_ + 1), .position = expected_};
    record_ = {};
    ++erased_count_;
    chain_ = stored_chain;
    return {};
  }
  const ByteView stored = source.rows.blob(kRecord);
  record_ = is_aligned(stored) ? stored : aligned_.copy(stored);
  Result<RecordHeader> header = check_stored(record_, expected_);
  if (!header) {
    Error& error = header.error();
    error.message = "'" + path_ + "': " + error.message;
    return tl::unexpected(std::move(error));
  }
  if (static_cast<std::size_t>(header->kind) != current_ + 1) {
    return tl::unexpected(damaged("it is stored among records of another kind"));
  }
  header_ = *header;
  if (chain_) {
    chain_ = chained(*chain_, record_);
    if (has_chains_ && *chain_ != stored_chain) {
      return tl::unexpected(damaged("it is whole, but not the one that was written: its chain does not fit"));
    }
  } else if (has_chains_) {
    chain_ = stored_chain;
  }
  return {};
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
  if (first_ == head_.first + 1 && expected_ == head_.position + 1 && erased_count_ != head_.erased) {
    return fail(Errc::corrupt_state, "'" + path_ + "' is damaged: " + std::to_string(erased_count_) +
                                         " of its records are blank where " + std::to_string(head_.erased) +
                                         " were erased");
  }
  return false;
}

std::string_view RecordCursor::arm() const noexcept {
  return header_.kind == RecordKind::decision && !erased_ ? sources_[current_].rows.text(kArm)
                                                          : std::string_view{};
}

}  // namespace attune::detail
