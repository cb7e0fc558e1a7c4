// SPDX-License-Identifier: Apache-2.0
/// @file
/// RowWriter: turns records into the rows that people read, beside the record itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/record.hpp>
#include <attune/store/journal.hpp>

#include "store/record_check.hpp"
#include "store/sqlite.hpp"

namespace attune::detail {

/// How many records of each kind.
struct KindCounts {
  std::uint64_t decisions = 0;
  std::uint64_t outcomes = 0;
  std::uint64_t events = 0;
};

/// The kind of an event as its row names it.
[[nodiscard]] std::string_view event_name(EventKind kind) noexcept;

/// Writes rows inside a transaction that its owner opens and ends.
class RowWriter {
 public:
  [[nodiscard]] static Result<RowWriter> make(const Database& database);

  /// One that keeps names until it is replaced by a new one, and cannot insert.
  [[nodiscard]] static RowWriter without_statements(Names names) {
    RowWriter writer;
    writer.names_ = std::move(names);
    return writer;
  }

  void set_names(Names names);
  [[nodiscard]] const Names& names() const noexcept { return names_; }
  /// Inserts the row of a checked record with the chain up to it, and counts it. Errors: invalid_argument
  /// (its body cannot be decoded), io.
  [[nodiscard]] Result<void> insert(ByteView record, RecordKind kind, std::uint64_t chain,
                                    KindCounts& counts);
  /// The transaction was rolled back: names of points written in it are not there.
  void forget_points() noexcept { written_points_.clear(); }

 private:
  RowWriter() = default;
  [[nodiscard]] Result<void> insert_decision(ByteView record, std::uint64_t chain);
  [[nodiscard]] Result<void> insert_outcome(ByteView record, std::uint64_t chain);
  [[nodiscard]] Result<void> insert_event(ByteView record, std::uint64_t chain);
  [[nodiscard]] Result<void> note_point(std::uint32_t point);

  Statement decision_;
  Statement outcome_;
  Statement event_;
  Statement point_;
  Names names_;
  std::vector<std::uint32_t> written_points_;  // sorted
  std::string text_;                           // JSON of the row being written
  AlignedRecord aligned_;
};

}  // namespace attune::detail
