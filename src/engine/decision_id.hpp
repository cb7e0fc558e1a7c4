// SPDX-License-Identifier: Apache-2.0
/// @file
/// DecisionIds: ids that know their decision point and number, to those who have the key.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <attune/core/clock.hpp>
#include <attune/core/uuid.hpp>

namespace attune {

/// Makes and reads the ids of one engine's decisions: UUIDs of version 7.
///
/// 48 bits are milliseconds, 62 a keyed permutation of (opening of the store: 12 bits, number of the decision
/// at its point: 36 bits, check of the point: 14 bits), 12 the point, hidden by the other 62 and the key. So
/// ids of one point never repeat, an outcome finds its point without a table, and an id of another engine
/// (another seed or node) is told from one of this engine that is no longer known, but for one in 16,384 of
/// the few whose 12 bits name a point. This hides numbers from people; it is no protection against a forger
/// who makes millions of guesses.
///
/// The opening counts the openings of the store that did not end in order. A decision that was given and lost
/// with its process, as nobody had waited for its commit, leaves its number to a decision of the next
/// process; the opening tells their ids apart even within one millisecond. It comes round after 4096: two ids
/// are the same only for one number, in one millisecond (the clock was set back), a multiple of 4096 openings
/// apart.
class DecisionIds {
 public:
  explicit DecisionIds(std::uint64_t key = 0, std::uint64_t opening = 0) noexcept;

  [[nodiscard]] Uuid make(std::uint32_t point, std::uint64_t sequence, Nanos time) const noexcept;
  /// The point an id was made at, if it was made here; any number below 4096 otherwise.
  [[nodiscard]] std::uint32_t point(const Uuid& id) const noexcept;
  /// The number of the decision at that point, whatever opening it was made in; no value: the id was not made
  /// here. An id has 36 bits of it: of the numbers they may mean it is the one nearest to `near`.
  [[nodiscard]] std::optional<std::uint64_t> sequence(const Uuid& id, std::uint64_t near = 0) const noexcept;

 private:
  static constexpr std::size_t kRounds = 6;

  [[nodiscard]] std::uint64_t round(std::uint64_t half, std::size_t number) const noexcept;
  [[nodiscard]] std::uint64_t check(std::uint32_t point) const noexcept;

  std::uint64_t key_;
  std::uint64_t opening_;
  std::array<std::uint64_t, kRounds> round_keys_{};
};

}  // namespace attune
