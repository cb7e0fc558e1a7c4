// SPDX-License-Identifier: Apache-2.0
/// @file
/// StoreReader: the journal of a store, found by time and walked by position.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <attune/store/inspect.hpp>

#include "tools/inspect/options.hpp"

namespace attune::tools {

/// Which records are looked at: positions [first, last], and of those the times [from, to).
struct Slice {
  std::uint64_t first = 1;
  std::uint64_t last = 0;
  std::optional<Nanos> from;
  std::optional<Nanos> to;

  [[nodiscard]] bool holds(Nanos time) const noexcept {
    return (!from || time >= *from) && (!to || time < *to);
  }
};

/// How the options ask to open the store: with their key. Errors: invalid_argument (the key's file).
[[nodiscard]] Result<StoreOptions> store_options(const Options& options);

/// A store opened for reading. The journal's end is read once, when it is opened: what an engine writes
/// meanwhile is not looked at, so that all parts of an answer are about the same records.
class StoreReader {
 public:
  /// Errors: invalid_argument (there is no such file), else those of StoreView.
  [[nodiscard]] static Result<StoreReader> open(const Options& options);

  [[nodiscard]] StoreView& view() noexcept { return view_; }
  [[nodiscard]] const StoreSummary& summary() const noexcept { return summary_; }
  [[nodiscard]] std::uint64_t first() const noexcept { return first_; }  ///< above last(): there is no record
  [[nodiscard]] std::uint64_t last() const noexcept { return summary_.position; }
  [[nodiscard]] const std::map<std::uint32_t, std::string>& points() const noexcept { return points_; }
  /// Empty when unknown.
  [[nodiscard]] std::string point_name(std::uint32_t number) const;
  /// The number of a point given by name or, where no name fits, by number. Errors: unknown_point.
  [[nodiscard]] Result<std::optional<std::uint32_t>> find_point(
      const std::optional<std::string>& wanted) const;

  /// Calls `visit` for the records at positions [first, last] until it returns false. Errors: corrupt_state,
  /// io.
  [[nodiscard]] Result<void> walk(std::uint64_t first, std::uint64_t last,
                                  const std::function<bool(const StoredRecord&)>& visit);
  /// Of the first record at or behind a position that was not erased.
  [[nodiscard]] Result<Nanos> time_at(std::uint64_t position);
  /// A position at or before every record of this time or later, by bisection. Times may be out of order by a
  /// little (several threads), which is allowed for; a clock that was set back by more hides records behind
  /// the jump.
  [[nodiscard]] Result<std::uint64_t> position_of(Nanos time);
  /// What --from, --to, --last, --first and --before select.
  [[nodiscard]] Result<Slice> slice(const Options& options);

 private:
  StoreReader(StoreView view, StoreSummary summary, std::map<std::uint32_t, std::string> points);

  StoreView view_;
  StoreSummary summary_;
  std::map<std::uint32_t, std::string> points_;
  std::uint64_t first_ = 1;
};

}  // namespace attune::tools
