// SPDX-License-Identifier: Apache-2.0
/// @file
/// RowWriter: turns records into the rows that people read, beside the record itself.
#pragma once

#include <array>
#include <cstddef>
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
  /// Like insert(), but the row may be held back until flush(), and the record with it: many rows in one
  /// statement cost a quarter less.
  [[nodiscard]] Result<void> add(ByteView record, RecordKind kind, std::uint64_t chain, KindCounts& counts);
  [[nodiscard]] Result<void> flush();
  /// The transaction was rolled back: what was written in it or held back for it is not there.
  void forget() noexcept;

 private:
  static constexpr std::size_t kTogether = 16;

  struct Held {
    ByteView record;
    std::uint64_t chain = 0;
  };
  /// Texts of a row that live until its statement has run.
  struct Texts {
    std::string arm;
    std::string json;
  };
  using Bind = Result<void> (RowWriter::*)(Statement&, int before, const Held& held, Texts& texts);
  struct Table {
    Statement one;
    Statement many;  ///< kTogether rows
    std::vector<Held> held;
  };

  RowWriter() = default;
  [[nodiscard]] Result<void> bind_decision(Statement& row, int before, const Held& held, Texts& texts);
  [[nodiscard]] Result<void> bind_outcome(Statement& row, int before, const Held& held, Texts& texts);
  [[nodiscard]] Result<void> insert_event(ByteView record, std::uint64_t chain);
  [[nodiscard]] Result<void> flush(Table& table, Bind bind, int columns);
  [[nodiscard]] Result<void> note_point(std::uint32_t point);

  Table decisions_;
  Table outcomes_;
  Statement event_;
  Statement point_;
  Names names_;
  std::vector<std::uint32_t> written_points_;  // sorted
  std::array<Texts, kTogether> texts_;
  AlignedRecord aligned_;
};

}  // namespace attune::detail
