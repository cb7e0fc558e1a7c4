// SPDX-License-Identifier: Apache-2.0
/// @file
/// RecordCursor: the records of the three tables as one journal, each checked, none missing.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <attune/core/record.hpp>

#include "store/record_check.hpp"
#include "store/sqlite.hpp"
#include "store/store_file.hpp"

namespace attune::detail {

/// Walks over records in order of position. Its owner keeps a read transaction open around it, so that all
/// tables show the same moment.
class RecordCursor {
 public:
  /// `head` belongs to the same transaction. Starts at `first`, or where the journal starts if that is later.
  /// `chain`, for format 1 only: the chain before `first`, where it is known.
  [[nodiscard]] static Result<RecordCursor> open(const StoreFile& store, const Head& head,
                                                 std::uint64_t first,
                                                 std::optional<std::uint64_t> chain = std::nullopt);

  /// Goes to the next record; false after the last one. Errors: corrupt_state (names the position), io.
  [[nodiscard]] Result<bool> next();

  /// Position of the record that next() will give, or that it could not give.
  [[nodiscard]] std::uint64_t expected() const noexcept { return expected_; }
  /// Position of the current record.
  [[nodiscard]] std::uint64_t position() const noexcept { return expected_ - 1; }
  /// The content of the current record was erased: there is no record(), and header() has its kind only.
  [[nodiscard]] bool erased() const noexcept { return erased_; }
  [[nodiscard]] const RecordHeader& header() const noexcept { return header_; }
  /// Aligned; lives until next().
  [[nodiscard]] ByteView record() const noexcept { return record_; }
  /// The chain up to the current record; no value where it is not known (format 1, from the middle).
  [[nodiscard]] std::optional<std::uint64_t> chain() const noexcept { return chain_; }
  /// Decisions only: the arm's id as its row has it; empty when unknown.
  [[nodiscard]] std::string_view arm() const noexcept;

 private:
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
  struct Source {
    Statement rows;
    std::uint64_t position = kNone;  ///< of the row it stands on
  };

  RecordCursor() = default;
  [[nodiscard]] Result<void> advance(Source& source);
  [[nodiscard]] Result<void> take(const Source& source);
  [[nodiscard]] Result<bool> finish() const;
  [[nodiscard]] Error damaged(const std::string& how) const;

  std::string path_;
  std::array<Source, 3> sources_;  // decisions, outcomes, events
  std::size_t current_ = 0;
  std::uint64_t expected_ = 1;
  std::uint64_t first_ = 1;  // where it started
  std::uint64_t erased_count_ = 0;
  Head head_;
  bool has_chains_ = true;  // rows have them
  std::optional<std::uint64_t> chain_;
  RecordHeader header_;
  ByteView record_;
  AlignedRecord aligned_;
  bool started_ = false;
  bool erased_ = false;
};

}  // namespace attune::detail
